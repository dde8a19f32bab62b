// A real browser on the built page, served from a path of its own.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

const BROWSERS = [
  process.env.CHROME_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where a browser is; undefined where none is installed. */
export const browserPath = (): string | undefined => BROWSERS.find((path) => path !== undefined && existsSync(path));

/** Starts the browser of a path, without a window. */
export const openBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox'] });

/** The same with WebGPU in software, where the browser brings it. */
export const openBrowserWithGpu = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
  });

export const PAGE = fileURLToPath(new URL('../dist', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface ServedPage {
  /** Of the page, in a folder that is not the root. */
  readonly url: string;
  readonly server: Server;
  /** Files that were asked for, with their sizes. */
  readonly sent: Map<string, number>;
}

/** Serves the built page's folder, as any host of files would; `before` goes before the script of its worker. */
export async function servePage(before: () => string = () => ''): Promise<ServedPage> {
  const sent = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const asked = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname).replace(
      /^\/deep\/path\//,
      '',
    );
    const path = normalize(join(PAGE, asked === '' ? 'index.html' : asked));
    try {
      if (!path.startsWith(PAGE + sep)) throw new RangeError('outside the page');
      const file = await readFile(path);
      const body = /\/worker-[^/]*\.js$/.test(path) ? Buffer.concat([Buffer.from(before()), file]) : file;
      sent.set(asked, body.length);
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/deep/path/`, server, sent };
}
