/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube.c - a cluster that is read from its API server, found as kubectl finds it.
 *
 * KUBECONFIG, or ~/.kube/config, or, in a pod, the service account.
 */
#include "kube.h"

#include <string.h>

bool
is_kube(const char *path)
{
    return strncmp(path, "kube:", 5) == 0;
}

#ifdef SPOTOPT_CLI_NET
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spotopt/kube.h"
#include "text.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define PLUGIN_MOST ((size_t)1 << 20)
enum { PLUGIN_S = 60 };

extern char **environ;

/* --- credential plugins --- */

/* All that the plugin writes, until it ends; false: too much, too late or broken off. */
static bool
read_plugin(int fd, text *out)
{
    struct pollfd wait = {fd, POLLIN, 0};
    char block[4096];

    for (;;) {
        const int ready = poll(&wait, 1, PLUGIN_S * 1000);
        ssize_t n;

        if (ready < 0 && errno == EINTR && !was_interrupted())
            continue;
        if (ready <= 0)
            return false;
        n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        text_add_n(out, block, (size_t)n);
        if (out->length > PLUGIN_MOST)
            return false;
    }
}

/* The process's variables, and those of the config in place of any of the same name. */
static char **
join_environment(const char *const *more)
{
    size_t count = 0, extra = 0, used = 0;
    char **all;

    while (environ[count] != NULL)
        count++;
    while (more[extra] != NULL)
        extra++;
    all = need_array(count + extra + 1, sizeof *all);
    for (size_t i = 0; i < extra; i++)
        all[used++] = (char *)(uintptr_t)more[i];
    for (size_t i = 0; i < count; i++) {
        const size_t name = strcspn(environ[i], "=") + 1;
        bool is_there = false;

        for (size_t k = 0; k < extra; k++)
            is_there = is_there || strncmp(more[k], environ[i], name) == 0;
        if (!is_there)
            all[used++] = environ[i];
    }
    return all;
}

static int
start(const char *const *argv, const char *const *env, int write_end, int read_end, pid_t *out)
{
    posix_spawn_file_actions_t actions;
    char **all = join_environment(env);
    int fault = posix_spawn_file_actions_init(&actions);

    if (fault == 0) {
        fault = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (fault == 0)
            fault = posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
        if (fault == 0)
            fault = posix_spawn_file_actions_addclose(&actions, read_end);
        if (fault == 0)
            fault = posix_spawnp(out, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, all);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(all);
    return fault;
}

static spotopt_status
run_plugin(void *user, const char *const *argv, const char *const *env, const char **out_text,
           size_t *out_length, spotopt_error *err)
{
    text *said = user;
    int ends[2], fault, how = 0;
    bool is_whole;
    pid_t child;

    (void)err;
    text_free(said);
    text_add(said, "");
    if (pipe(ends) != 0) {
        say("%s: %s", argv[0], strerror(errno));
        return SPOTOPT_E_INTERNAL;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fault = start(argv, env, ends[1], ends[0], &child);
    close(ends[1]);
    if (fault != 0) {
        close(ends[0]);
        say("%s: %s; want the credential plugin that the kubeconfig names, in PATH", argv[0],
            strerror(fault));
        return SPOTOPT_E_INPUT;
    }
    is_whole = read_plugin(ends[0], said);
    close(ends[0]);
    if (!is_whole)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        ;
    if (!is_whole || how != 0) {
        say("%s: the credential plugin %s", argv[0],
            is_whole ? "failed; what it wrote stands above" : "does not end within 60 s");
        return SPOTOPT_E_PEER;
    }
    *out_text = said->at;
    *out_length = said->length;
    return SPOTOPT_OK;
}

/* --- which server --- */

/* In a pod: the kubeconfig that its service account comes to. */
static void
write_account(text *out)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    const bool is_v6 = strchr(host, ':') != NULL;
    const char *const parts[] = {
        "{\"current-context\": \"in-cluster\", \"contexts\": [{\"name\": \"in-cluster\", "
        "\"context\": {\"cluster\": \"in-cluster\", \"user\": \"in-cluster\"}}], \"clusters\": "
        "[{\"name\": \"in-cluster\", \"cluster\": {\"server\": \"https://",
        is_v6 ? "[" : "",
        host,
        is_v6 ? "]" : "",
        ":",
        port != NULL ? port : "443",
        "\", \"certificate-authority\": \"" ACCOUNT "/ca.crt\"}}], \"users\": [{\"name\": "
        "\"in-cluster\", \"user\": {\"tokenFile\": \"" ACCOUNT "/token\"}}]}"};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        text_add(out, parts[i]);
}

/* 0, or the status to leave with, said. */
static int
find_config(input *in, text *made)
{
    const char *path = getenv("KUBECONFIG"), *home = getenv("HOME");
    int status;

    *in = (input){NULL, 0, "kubeconfig"};
    if (path == NULL || *path == '\0') {
        text_add(made, home != NULL ? home : "");
        text_add(made, "/.kube/config");
        if (access(made->at, F_OK) != 0 && getenv("KUBERNETES_SERVICE_HOST") != NULL) {
            text_free(made);
            write_account(made);
            in->name = "the service account";
            return 0;
        }
        path = made->at;
        if (access(path, F_OK) != 0) {
            say("--cluster kube: no kubeconfig; want %s, or KUBECONFIG naming one", path);
            return EXIT_INPUT;
        }
    } else if (strchr(path, ':') != NULL) {
        say("--cluster kube: KUBECONFIG names several files; want one ('kubectl config view "
            "--flatten' makes one of them)");
        return EXIT_USAGE;
    }
    status = input_read(in, path);
    return status;
}

static int32_t
is_stopped(void *user)
{
    (void)user;
    return was_interrupted();
}

static int
ask(input *in, const session *s, const input *config, const text *made, const char *context)
{
    spotopt_net_params net_params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;
    text said = {0};
    size_t length = 0;
    char *json = NULL;
    int status = 0;

    net_params.cancel = is_stopped;
    params.config = config->text != NULL ? config->text : made->at;
    params.config_length = config->text != NULL ? config->length : made->length;
    params.config_name = config->name;
    params.context_name = context;
    params.exec = run_plugin;
    params.user = &said;
    if (spotopt_net_new(s->context, &net_params, &net, &err) != SPOTOPT_OK ||
        spotopt_kube_open(net, &params, &kube, &err) != SPOTOPT_OK ||
        spotopt_kube_list(kube, &json, &length, &err) != SPOTOPT_OK)
        status = err.message[0] != '\0' ? fail_with(&err) : EXIT_INPUT; /* the plugin's is said */
    if (status == 0) {
        *in = (input){need(NULL, length + 1), length, "the API server's list"};
        memcpy(in->text, json, length + 1);
    }
    spotopt_text_free(s->context, json);
    spotopt_kube_free(kube);
    spotopt_net_free(net);
    text_free(&said);
    return status;
}

int
kube_read(input *in, const session *s, const char *path)
{
    text made = {0};
    input config;
    int status = find_config(&config, &made);

    if (status == 0)
        status = ask(in, s, &config, &made, path + strlen("kube:"));
    input_free(&config);
    text_free(&made);
    return status;
}
#else
int
kube_read(input *in, const session *s, const char *path)
{
    (void)in;
    (void)s;
    say("--cluster %s is an API server, which this build cannot ask; want a file, or a build with "
        "libcurl and "
        "libyaml",
        path);
    return EXIT_USAGE;
}
#endif
