#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on loopback that fails in the way its path says, and the test that talks to it.

    peer.py TEST    runs TEST HTTP_URL HTTPS_URL CA_FILE, where the last two are "" without the openssl command
"""
import http.server
import shutil
import ssl
import struct
import socket
import subprocess
import sys
import tempfile
import threading
import time

hits = {}
lock = threading.Lock()


class Peer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self):
        """The connection ends by a reset, without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            self.close_connection = True

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        with lock:
            hits[self.path] = nth = hits.get(self.path, 0) + 1
        if path == "/hits":
            return self.answer(200, str(hits.get(query, 0)).encode())
        if path == "/echo":
            return self.answer(200, b"%s %s" % (self.command.encode(), body))
        if path == "/header":
            return self.answer(200, (self.headers.get(query) or "none").encode())
        if path == "/flaky":  # ?N-name: N failures, then an answer
            wanted = int(query.split("-")[0])
            return self.answer(200, b"at last") if nth > wanted else self.answer(503)
        if path == "/busy":
            return self.answer(429, b"busy", Retry_After="7")
        if path == "/slow":
            time.sleep(3)
            return self.answer(200)
        if path == "/reset":
            return self.reset()
        if path == "/reset-once":
            return self.answer(200, b"back") if nth > 1 else self.reset()
        if path == "/truncated":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.wfile.flush()
            return self.reset()
        if path == "/garbage":
            self.close_connection = True
            return self.wfile.write(b"\x00\xff what is this\r\n\r\n")
        if path == "/endless":
            return self.endless()
        if path == "/away":
            return self.answer(302, Location="/echo")
        if path == "/loop":
            return self.answer(302, Location="/loop")
        if path == "/local-file":
            return self.answer(302, Location="file:///etc/passwd")
        return self.answer(404, b"no such thing")

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        secure, certificate = "", ""
        if shutil.which("openssl"):
            key, certificate = folder + "/key.pem", folder + "/certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                            "-days", "2", "-subj", "/CN=peer", "-addext", "subjectAltName=IP:127.0.0.1"],
                           check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            secure = serve(context)
        sys.exit(subprocess.run([sys.argv[1], serve(), secure, certificate]).returncode)


main()
