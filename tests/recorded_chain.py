"""A node's REST port, and a small chain behind it, with the recorded answers of a real node."""
import http.server, json, threading

import recorded

# Of a transfer, microcredits.
FEE = 2_000


class Chain:
    """A transaction moves money once, however often it is sent."""

    def __init__(self):
        self.balance, self.mempool, self.settled, self.paid, self.deaf = 0, {}, {}, [], False
        self.busy, self.refusal, self.height = 0, "over-the-limit", 1
        chain = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def recorded(self, name, **values):
                self.answer(*recorded.answer(name, **values))

            def do_GET(self):
                name = self.path.rsplit("/", 1)[1]
                if chain.busy:
                    chain.busy -= 1
                    return self.recorded(chain.refusal)
                fate = chain.settled.get(name, "unknown")
                if "/mapping/account/" in self.path:
                    status, body = recorded.answer("balance" if chain.balance else "balance-none")
                    return self.answer(status, body.replace("1u64", f"{chain.balance}u64"))
                if "/find/blockHash/" in self.path:
                    return self.recorded(f"find-block-hash-{fate}", block_hash=f"ab1{fate}-{name}")
                if "/transaction/confirmed/" in self.path:
                    return self.recorded(f"confirmed-{fate}", transaction_id=name)
                if "/block/ab1" in self.path:
                    # Its name contains its content.
                    fate, name = name[len("ab1"):].split("-")
                    return self.recorded(f"block-with-{fate}", transaction_id=name)
                if "/block/" in self.path:
                    return self.recorded("block-with-solution" if int(name) <= chain.height else "block-not-yet")
                self.recorded("no-such-route")

            def do_POST(self):
                signed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if chain.deaf:
                    return self.recorded("v2-over-the-limit")
                if signed["id"] not in chain.settled:
                    chain.mempool[signed["id"]] = signed
                self.recorded("broadcast", transaction_id=signed["id"])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def produce(self, fate="accepted"):
        for name, signed in self.mempool.items():
            address, amount = (one["value"] for one in signed["execution"]["transitions"][0]["inputs"])
            self.settled[name] = fate
            self.balance -= FEE if fate != "aborted" else 0
            if fate == "accepted":
                self.balance -= int(amount[:-3])
                self.paid.append((address, int(amount[:-3])))
        self.mempool = {}
