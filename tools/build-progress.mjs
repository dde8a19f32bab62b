// Turbo's output as a few lines for people: what is built, of how many, and whether anything had to be.

/**
 * A reader of the lines of `turbo run build --output-logs=hash-only`. Each gives the lines to show for it, none for most; `end`
 * gives what is said of the whole.
 */
export function buildProgress() {
  let packages = 0;
  let cached = 0;
  let built = 0;
  return {
    line(text) {
      const count = /Running build in (\d+) packages?/.exec(text)?.[1];
      if (count !== undefined) packages = Number(count);
      const [, name, state] = /^(\S+):build: cache (hit|miss)/.exec(text) ?? [];
      if (state === 'hit') cached++;
      if (state !== 'miss') return [];
      built++;
      const lines = [`[${cached + built}/${packages}] building ${name}`];
      return built === 1
        ? ['Building what is not built yet; from nothing, all packages take two to five minutes.', ...lines]
        : lines;
    },
    end(seconds) {
      return built === 0
        ? `All ${cached} packages are built already.`
        : `Built ${built} of ${packages} packages in ${Math.round(seconds)} s; already built: ${cached}.`;
    },
  };
}
