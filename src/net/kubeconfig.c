/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig.c - one context of a kubeconfig: which server, which authority, who we are.
 *
 * libyaml reads, aliases and all; here names find each other. What would change the way in and is
 * not understood is refused: passing over a field such as tls-server-name would ask another server
 * than the one that was meant.
 */
#include <yaml.h>

#include "net/kube.h"

enum { TEXT_MOST = 1 << 20, ARGS_MOST = 256 };

typedef struct reading {
    yaml_document_t *document;
    const char *name;
    spotopt__arena *texts;
    spotopt_error *err;
} reading;

/* A mapping and what it is called in messages. */
typedef struct place {
    yaml_node_t *node; /* NULL: not there */
    const char *what, *name;
} place;

static spotopt_status
refuse(const reading *r, const place *p, const char *key, const char *want)
{
    char quoted[SPOTOPT__QUOTE_SIZE];
    const size_t line = p->node != NULL ? p->node->start_mark.line + 1 : 1;

    return spotopt__fail(r->err, SPOTOPT_E_INPUT, "%s:%zu: %s %s%s%s: %s", r->name, line, p->what,
                         spotopt__quote(p->name != NULL ? p->name : "", quoted),
                         key != NULL ? ": " : "", key != NULL ? key : "", want);
}

static bool
is_text(const yaml_node_t *node, const char *text)
{
    return node != NULL && node->type == YAML_SCALAR_NODE &&
           node->data.scalar.length == strlen(text) &&
           memcmp(node->data.scalar.value, text, node->data.scalar.length) == 0;
}

static bool
is_null(const yaml_node_t *node)
{
    return node == NULL ||
           (node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            (node->data.scalar.length == 0 || is_text(node, "null") || is_text(node, "~")));
}

/* The value of a key, or NULL. */
static yaml_node_t *
get(const reading *r, const yaml_node_t *map, const char *key)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
         pair++) {
        yaml_node_t *value = yaml_document_get_node(r->document, pair->value);

        if (is_text(yaml_document_get_node(r->document, pair->key), key))
            return is_null(value) ? NULL : value;
    }
    return NULL;
}

static spotopt_status
keep(const reading *r, const place *p, const char *key, const yaml_node_t *node, const char **out)
{
    const unsigned char *bytes;

    if (node->type != YAML_SCALAR_NODE)
        return refuse(r, p, key, "want a text");
    bytes = node->data.scalar.value;
    if (node->data.scalar.length > TEXT_MOST)
        return refuse(r, p, key, "want at most 1 MiB");
    for (size_t i = 0; i < node->data.scalar.length; i++) {
        if (bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t')
            return refuse(r, p, key, "want a text without control characters");
    }
    *out = spotopt__arena_text(r->texts, (const char *)bytes, node->data.scalar.length);
    return *out == NULL ? spotopt__nomem(r->err, "a kubeconfig") : SPOTOPT_OK;
}

static spotopt_status
text(const reading *r, const place *p, const char *key, const char **out)
{
    const yaml_node_t *node = get(r, p->node, key);

    *out = NULL;
    if (node == NULL)
        return SPOTOPT_OK;
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        return SPOTOPT_OK; /* "" means what leaving it out means */
    return keep(r, p, key, node, out);
}

/* --- base64 --- */

static int
value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* PEM from the base64 of RFC 4648, white space allowed; as a text of its own. */
static spotopt_status
unpack(const reading *r, const place *p, const char *key, const char **inout)
{
    const char *from = *inout;
    size_t length = 0, digits = 0, pads = 0;
    uint32_t bits = 0;
    char *to;

    if (from == NULL)
        return SPOTOPT_OK;
    to = spotopt__arena_alloc(r->texts, strlen(from) / 4 * 3 + 4, 1);
    if (to == NULL)
        return spotopt__nomem(r->err, "a kubeconfig");
    for (; *from != '\0'; from++) {
        const int value = value_of(*from);

        if (strchr(" \t\r\n", *from) != NULL)
            continue;
        if (*from == '=' && pads < 2) {
            pads++;
            continue;
        }
        if (value < 0 || pads > 0)
            return refuse(r, p, key, "want base64");
        bits = bits << 6 | (uint32_t)value;
        if (++digits % 4 != 1)
            to[length++] = (char)(unsigned char)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    if (digits % 4 == 1 || (pads > 0 && (digits + pads) % 4 != 0))
        return refuse(r, p, key, "want base64");
    to[length] = '\0';
    if (strlen(to) != length || strstr(to, "-----BEGIN ") == NULL)
        return refuse(r, p, key, "want base64 of PEM, \"-----BEGIN ...\"");
    *inout = to;
    return SPOTOPT_OK;
}

/* --- who and where --- */

/* The item of that name of a list of {name, ...}: its member called `of`. */
static spotopt_status
find(const reading *r, const char *list, const char *of, const char *name, const char *for_whom,
     place *out)
{
    const yaml_node_t *root = yaml_document_get_root_node(r->document), *items;
    char wanted[SPOTOPT__QUOTE_SIZE], have[160] = "";
    size_t used = 0;

    items = get(r, root, list);
    if (items != NULL && items->type != YAML_SEQUENCE_NODE)
        return spotopt__fail(r->err, SPOTOPT_E_INPUT, "%s:%zu: %s: want a list", r->name,
                             items->start_mark.line + 1, list);
    for (yaml_node_item_t *it = items != NULL ? items->data.sequence.items.start : NULL;
         items != NULL && it < items->data.sequence.items.top; it++) {
        const yaml_node_t *item = yaml_document_get_node(r->document, *it),
                          *called = get(r, item, "name");

        if (called == NULL || called->type != YAML_SCALAR_NODE)
            continue;
        if (is_text(called, name)) {
            *out = (place){get(r, item, of), of, name};
            return SPOTOPT_OK;
        }
        if (used < sizeof have - 64 && called->data.scalar.length < 60) {
            char line[64];

            spotopt__clean_line(line, sizeof line, (const char *)called->data.scalar.value);
            used += (size_t)snprintf(have + used, sizeof have - used, "%s%s", used > 0 ? ", " : "",
                                     line);
        }
    }
    return spotopt__fail(r->err, SPOTOPT_E_INPUT, "%s: %s %s%s is not in its %s; want one of: %s",
                         r->name, of, spotopt__quote(name, wanted), for_whom, list,
                         used > 0 ? have : "(it has none)");
}

/* Fields that would change the way in. */
static spotopt_status
refuse_fields(const reading *r, const place *p, const char *const (*fields)[2])
{
    for (; (*fields)[0] != NULL; fields++) {
        const yaml_node_t *node = get(r, p->node, (*fields)[0]);

        if (node != NULL && !is_text(node, "false") && !is_text(node, ""))
            return refuse(r, p, (*fields)[0], (*fields)[1]);
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_cluster(const reading *r, const place *p, spotopt__kubeconfig *out)
{
    static const char *const not_ours[][2] = {
        {"insecure-skip-tls-verify",
         "is not done; want certificate-authority with the server's authority"},
        {"tls-server-name", "is not supported; want a server whose certificate has its name"},
        {"proxy-url", "is not supported; set HTTPS_PROXY instead"},
        {NULL, NULL}};
    spotopt_status status = refuse_fields(r, p, not_ours);

    if (status == SPOTOPT_OK)
        status = text(r, p, "server", &out->server);
    if (status == SPOTOPT_OK && (out->server == NULL || (strncmp(out->server, "https://", 8) != 0 &&
                                                         strncmp(out->server, "http://", 7) != 0)))
        status = refuse(r, p, "server", "want a URL such as https://10.0.0.1:6443");
    if (status == SPOTOPT_OK)
        status = text(r, p, "certificate-authority", &out->ca_file);
    if (status == SPOTOPT_OK)
        status = text(r, p, "certificate-authority-data", &out->ca_pem);
    return status == SPOTOPT_OK ? unpack(r, p, "certificate-authority-data", &out->ca_pem) : status;
}

/* The plugin's arguments or environment. */
static spotopt_status
read_words(const reading *r, const place *p, const char *key, const char *first,
           const char *const **out)
{
    const yaml_node_t *list = get(r, p->node, key);
    const char **words;
    size_t count = 0, used = 0;
    spotopt_status status = SPOTOPT_OK;

    if (list != NULL && list->type != YAML_SEQUENCE_NODE)
        return refuse(r, p, key, "want a list");
    if (list != NULL)
        count = (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
    if (count > ARGS_MOST)
        return refuse(r, p, key, "want at most 256 items");
    words = spotopt__arena_alloc(r->texts, count + 2, sizeof *words);
    if (words == NULL)
        return spotopt__nomem(r->err, "a kubeconfig");
    if (first != NULL)
        words[used++] = first;
    for (size_t i = 0; status == SPOTOPT_OK && i < count; i++) {
        const yaml_node_t *item =
            yaml_document_get_node(r->document, list->data.sequence.items.start[i]);
        const place pair = {(yaml_node_t *)(uintptr_t)item, "item of", key};
        const char *name, *value;

        if (first != NULL) {
            status = keep(r, p, key, item, &words[used++]);
            continue;
        }
        status = text(r, &pair, "name", &name);
        if (status == SPOTOPT_OK)
            status = text(r, &pair, "value", &value);
        if (status == SPOTOPT_OK && (name == NULL || strchr(name, '=') != NULL))
            status = refuse(r, &pair, "name", "want a variable's name");
        if (status == SPOTOPT_OK) {
            const size_t n = strlen(name), v = value != NULL ? strlen(value) : 0;
            char *word = spotopt__arena_alloc(r->texts, n + v + 2, 1);

            if (word == NULL)
                return spotopt__nomem(r->err, "a kubeconfig");
            memcpy(word, name, n);
            word[n] = '=';
            if (v > 0)
                memcpy(word + n + 1, value, v);
            words[used++] = word;
        }
    }
    *out = words;
    return status;
}

static spotopt_status
read_exec(const reading *r, const place *user, spotopt__kubeconfig *out)
{
    const place p = {get(r, user->node, "exec"), "exec of user", user->name};
    const char *command;
    spotopt_status status;

    if (p.node == NULL)
        return SPOTOPT_OK;
    status = text(r, &p, "command", &command);
    if (status == SPOTOPT_OK && command == NULL)
        status = refuse(r, &p, "command", "want a credential plugin");
    if (status == SPOTOPT_OK)
        status = text(r, &p, "apiVersion", &out->exec_version);
    if (status == SPOTOPT_OK &&
        (out->exec_version == NULL ||
         strncmp(out->exec_version, "client.authentication.k8s.io/v1", 31) != 0))
        status = refuse(r, &p, "apiVersion", "want client.authentication.k8s.io/v1 or .../v1beta1");
    if (status == SPOTOPT_OK)
        status = text(r, &p, "installHint", &out->exec_hint);
    if (status == SPOTOPT_OK)
        status = read_words(r, &p, "args", command, &out->argv);
    if (status == SPOTOPT_OK)
        status = read_words(r, &p, "env", NULL, &out->env);
    out->wants_cluster = is_text(get(r, p.node, "provideClusterInfo"), "true");
    return status;
}

static spotopt_status
read_user(const reading *r, const place *p, spotopt__kubeconfig *out)
{
    static const char *const not_ours[][2] = {
        {"username", "is not supported; API servers have no passwords since 1.19"},
        {"password", "is not supported; API servers have no passwords since 1.19"},
        {"auth-provider", "is not supported; want exec"},
        {"as", "is not supported; want a context of that user"},
        {"as-uid", "is not supported; want a context of that user"},
        {"as-groups", "is not supported; want a context of that user"},
        {"as-user-extra", "is not supported; want a context of that user"},
        {NULL, NULL}};
    const struct {
        const char *key;
        const char **out;
        bool is_base64;
    } fields[] = {{"client-certificate", &out->client_file, false},
                  {"client-certificate-data", &out->client_pem, true},
                  {"client-key", &out->key_file, false},
                  {"client-key-data", &out->key_pem, true},
                  {"token", &out->token, false},
                  {"tokenFile", &out->token_file, false}};
    spotopt_status status = refuse_fields(r, p, not_ours);

    for (size_t i = 0; status == SPOTOPT_OK && i < sizeof fields / sizeof *fields; i++) {
        status = text(r, p, fields[i].key, fields[i].out);
        if (status == SPOTOPT_OK && fields[i].is_base64)
            status = unpack(r, p, fields[i].key, fields[i].out);
    }
    if (status == SPOTOPT_OK && out->token != NULL && strpbrk(out->token, "\r\n\t ") != NULL)
        status = refuse(r, p, "token", "want one word");
    if (status == SPOTOPT_OK)
        status = read_exec(r, p, out);
    if (status == SPOTOPT_OK && ((out->client_file != NULL || out->client_pem != NULL) !=
                                 (out->key_file != NULL || out->key_pem != NULL)))
        status = refuse(r, p, NULL, "want client-certificate and client-key together, or neither");
    return status;
}

static spotopt_status
read_document(const reading *r, const char *context, spotopt__kubeconfig *out)
{
    const place root = {yaml_document_get_root_node(r->document), "the", "document"};
    const char *cluster = NULL, *user = NULL;
    place at = {0};
    spotopt_status status = SPOTOPT_OK;

    if (root.node == NULL || root.node->type != YAML_MAPPING_NODE)
        return spotopt__fail(r->err, SPOTOPT_E_INPUT,
                             "%s: want a kubeconfig: clusters, users, contexts", r->name);
    if (context == NULL || *context == '\0') {
        status = text(r, &root, "current-context", &context);
        if (status == SPOTOPT_OK && context == NULL)
            return spotopt__fail(r->err, SPOTOPT_E_INPUT,
                                 "%s: no current-context; want a context by its name", r->name);
    } else {
        context = spotopt__arena_text(r->texts, context, strlen(context));
        if (context == NULL)
            return spotopt__nomem(r->err, "a kubeconfig");
    }
    if (status == SPOTOPT_OK)
        status = find(r, "contexts", "context", context, "", &at);
    out->context = context;
    if (status == SPOTOPT_OK)
        status = text(r, &at, "cluster", &cluster);
    if (status == SPOTOPT_OK && cluster == NULL)
        status = refuse(r, &at, "cluster", "want the name of a cluster");
    if (status == SPOTOPT_OK)
        status = text(r, &at, "user", &user);
    if (status == SPOTOPT_OK)
        status = find(r, "clusters", "cluster", cluster, " of its context", &at);
    if (status == SPOTOPT_OK)
        status = read_cluster(r, &at, out);
    if (status == SPOTOPT_OK && user != NULL)
        status = find(r, "users", "user", user, " of its context", &at);
    return status == SPOTOPT_OK && user != NULL ? read_user(r, &at, out) : status;
}

spotopt_status
spotopt__kubeconfig_read(spotopt__arena *texts, const char *yaml, size_t length, const char *name,
                         const char *context, spotopt__kubeconfig *out, spotopt_error *err)
{
    yaml_document_t document;
    yaml_parser_t parser;
    reading r = {&document, name, texts, err};
    spotopt_status status;

    *out = (spotopt__kubeconfig){0};
    if (yaml_parser_initialize(&parser) == 0)
        return spotopt__nomem(err, "a kubeconfig");
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, length);
    if (yaml_parser_load(&parser, &document) == 0) {
        status = parser.error == YAML_MEMORY_ERROR
                     ? spotopt__nomem(err, "a kubeconfig")
                     : spotopt__fail(err, SPOTOPT_E_INPUT, "%s:%zu:%zu: want YAML; %s", name,
                                     parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                                     parser.problem != NULL ? parser.problem : "it is not");
    } else {
        status = read_document(&r, context, out);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return status;
}
