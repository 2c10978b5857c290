"""Servers of files, mail and pages for the tests: FTP, FTPS, SFTP with passwords, SMTP and HTTP, on 127.0.0.1.

`scripts/servers` starts it with the folder where all of it lies: `cert.pem` and `key.pem` of TLS, `ftp/` and `sftp/`, which
the file servers show, and `mail/`, the mailbox into which the mail servers put what they get. It prints `ready` once all
ports listen, and runs until its group of processes is killed. `PORTS` is read by `scripts/servers` too.

Two users of FTP meet faults: `cut` loses both connections in the middle of a file, `slow` gets a few bytes and then none.
"""

import asyncio
import base64
import logging
import os
import socket
import ssl
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PORTS = {
    "ftp": 2521,
    "ftp_list": 2522,
    "ftps": 2523,
    "sftp_password": 2524,
    "smtp": 2525,
    "smtps": 2526,
    "http": 2527,
    "https": 2528,
    "proxy": 2529,
}
HOST = "127.0.0.1"
USER = "fletching"
PASSWORD = "for-tests-only"
CUT_AFTER_BYTES = 100_000
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
ORDERS = """<Order><Id>1</Id><Customer>Ann &amp; <![CDATA[<Bob>]]></Customer></Order>
<Order><Id>2</Id><Customer i:nil="true"/></Order>"""


# FTP


def serve_ftp(folder):
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import DTPHandler, FTPHandler, ThrottledDTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import MultiprocessFTPServer

    class CutDTPHandler(DTPHandler):
        moved = 0
        is_cut = False

        def use_sendfile(self):
            return False

        def count(self, bytes_moved):
            self.moved += bytes_moved
            if self.moved > CUT_AFTER_BYTES and not self.is_cut:
                self.is_cut = True
                # Not from within: the server is still at work with this piece.
                self.ioloop.call_later(0, self.cut)

        def cut(self):
            control = self.cmd_channel
            self.close()
            control.close()

        def send(self, data):
            sent = super().send(data)
            self.count(sent)
            return sent

        def recv(self, buffer_size):
            chunk = super().recv(buffer_size)
            self.count(len(chunk))
            return chunk

    class SlowDTPHandler(ThrottledDTPHandler):
        read_limit = write_limit = 1

    authorizer = DummyAuthorizer()
    for user in (USER, "cut", "slow"):
        authorizer.add_user(user, PASSWORD, str(folder / "ftp"), perm="elradfmwMT")

    class Plain(FTPHandler):
        def on_login(self, username):
            self.dtp_handler = {"cut": CutDTPHandler, "slow": SlowDTPHandler}.get(username, DTPHandler)

    class WithoutMlsd(FTPHandler):
        proto_cmds = {name: of for name, of in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST")}

    class Secure(TLS_FTPHandler):
        certfile = str(folder / "cert.pem")
        keyfile = str(folder / "key.pem")
        tls_control_required = tls_data_required = True

    for name, handler in (("ftp", Plain), ("ftp_list", WithoutMlsd), ("ftps", Secure)):
        handler.authorizer = authorizer
        handler.auth_failed_timeout = 0
        # A process for each server and each of its clients: TLS clients that share one lose connections for data.
        if os.fork() == 0:
            MultiprocessFTPServer((HOST, PORTS[name]), handler).serve_forever(handle_exit=False)
    for name in ("ftp", "ftp_list", "ftps"):
        wait_for(PORTS[name])


def wait_for(port):
    while True:
        try:
            return socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.1)


# SFTP


async def serve_sftp(folder):
    import asyncssh

    class Users(asyncssh.SSHServer):
        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (username, password) == (USER, PASSWORD)

    def files(channel):
        return asyncssh.SFTPServer(channel, chroot=str(folder / "sftp"))

    await asyncssh.listen(
        HOST,
        PORTS["sftp_password"],
        server_factory=Users,
        server_host_keys=[str(folder / "host_key")],
        sftp_factory=files,
    )


# SMTP


def serve_mail(folder, context):
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Mailbox
    from aiosmtpd.smtp import AuthResult, LoginPassword

    class Kept(Mailbox):
        async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
            if address.startswith("nobody@"):
                return "550 5.1.1 no such mailbox here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

    def login(server, session, envelope, mechanism, data):
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        # Not handled: the server tells the client itself.
        return AuthResult(success=isinstance(data, LoginPassword) and data == known, handled=False)

    kept = Kept(str(folder / "mail"))
    both = dict(hostname=HOST, authenticator=login, decode_data=False)
    # Mail of `smtp` may come without a login, and logins only after STARTTLS. Mail of `smtps` may not.
    Controller(kept, port=PORTS["smtp"], tls_context=context, auth_require_tls=True, **both).start()
    Controller(
        kept, port=PORTS["smtps"], ssl_context=context, auth_require_tls=False, auth_required=True, **both
    ).start()


# HTTP


class Pages(BaseHTTPRequestHandler):
    """Paths say what is answered; `/echo` tells what came."""

    protocol_version = "HTTP/1.1"

    def log_message(self, form, *arguments):
        logging.info("http " + form, *arguments)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def is_known(self, header):
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get(header) == f"Basic {login}"

    def do_GET(self):
        if self.path == "/hello":
            self.answer(200, "Grüße".encode(), Content_Type="text/plain; charset=utf-8")
        elif self.path == "/basic":
            if self.is_known("Authorization"):
                self.answer(200, b"let in")
            else:
                self.answer(401, b"who are you?", WWW_Authenticate='Basic realm="tests"')
        elif self.path == "/windows":
            self.answer(401, b"", WWW_Authenticate="NTLM")
        elif self.path == "/moved":
            self.answer(302, b"", Location="/hello")
        elif self.path == "/loop":
            self.answer(302, b"", Location="/loop")
        elif self.path == "/broken":
            self.answer(500, b"out of order")
        elif self.path == "/large":
            self.answer(200, bytes(1 << 20))
        elif self.path == "/endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            except OSError:
                self.close_connection = True
        elif self.path == "/stalled":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"a few bytes")
            self.wfile.flush()
            self.rfile.read(1)  # until the client goes
            self.close_connection = True
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"a few bytes")
            self.close_connection = True
        elif self.path == "/calculator?WSDL":
            text = (Path(__file__).parent / "test_calculator.wsdl").read_text()
            self.answer(200, text.replace("ADDRESS", f"http://{HOST}:{PORTS['http']}/calculator").encode())
        elif self.path == "/echo":
            self.echo()
        else:
            self.answer(404, b"no such page")

    def do_POST(self):
        if self.path == "/calculator":
            self.calculate()
        elif self.path == "/calculator/known":
            # The same, for those who log in.
            if self.is_known("Authorization"):
                self.calculate()
            else:
                self.body()
                self.answer(401, b"who are you?", WWW_Authenticate='Basic realm="tests"')
        else:
            self.echo()

    def echo(self):
        body = self.body()
        lines = [f"{self.command} {self.path}"] + [f"{name.lower()}: {value}" for name, value in self.headers.items()]
        self.answer(200, "\n".join(lines).encode() + b"\n\n" + body)

    def calculate(self):
        envelope = ElementTree.fromstring(self.body())
        call = envelope.find(f"{{{SOAP}}}Body")[0]
        space, _, method = call.tag[1:].partition("}")
        value = {part.tag.partition("}")[2]: part.text or "" for part in call}
        action = self.headers.get("SOAPAction", "").strip('"')
        spaces = {part.tag[1:].partition("}")[0] for part in call}
        try:
            if action != f"{space}{method}":
                raise ValueError(f"SOAPAction is {action}, not {space}{method}")
            if spaces - {space}:
                raise ValueError(f"parameters are of {spaces}, not {space}")
            result = {
                "Add": lambda: str(int(value["a"]) + int(value["b"])),
                "Greet": lambda: f"Hello, {value['name']}!",
                "Convert": lambda: " ".join(f"{name}={text}" for name, text in value.items()),
                "List": lambda: ORDERS,
                "Forget": lambda: None,
            }[method]()
            inner = result if method == "List" else escape(result or "")
            inner = "" if result is None else f"<{method}Result>{inner}</{method}Result>"
            inner += "<count>2</count>" if method == "List" else ""
            body = f'<{method}Response xmlns="{space}">{inner}</{method}Response>'
            status = 200
        except (KeyError, ValueError) as error:
            body = f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{escape(repr(error))}</faultstring></s:Fault>"
            status = 500
        text = f'<?xml version="1.0"?><s:Envelope xmlns:s="{SOAP}" xmlns:i="{INSTANCE}"><s:Body>{body}</s:Body></s:Envelope>'
        self.answer(status, text.encode(), Content_Type="text/xml; charset=utf-8")


class Proxy(Pages):
    """Passes requests for `http://` addresses on, for those who log in."""

    def do_GET(self):
        if not self.is_known("Proxy-Authorization"):
            return self.answer(407, b"", Proxy_Authenticate='Basic realm="proxy"')
        with urllib.request.urlopen(self.path) as page:
            self.answer(page.status, page.read(), Via="1.1 tests")


def serve_pages(context):
    for name, pages in (("http", Pages), ("https", Pages), ("proxy", Proxy)):
        server = ThreadingHTTPServer((HOST, PORTS[name]), pages)
        server.daemon_threads = True
        if name == "https":
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()


async def main(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    serve_ftp(folder)
    serve_mail(folder, context)
    serve_pages(context)
    await serve_sftp(folder)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    asyncio.run(main(Path(sys.argv[1])))
