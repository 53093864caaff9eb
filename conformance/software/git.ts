/** git: a history with merges, packed, checked, cloned and pushed, all below one label. */
import { match, strictEqual } from "node:assert";
import { ADDRESS, type Attempt, PORT, SECRET } from "./stage.ts";
import type { Program } from "./suite.ts";

export const git: Program = [
  {
    name: "commits, merges, packs, clones, pushes",
    async run(stage) {
      // An unlabelled repository that exists: what may be read, and must not be pushed to.
      await stage.open(
        `git init -q --bare ${stage.out}/public.git && chmod -R a+rwX ${stage.out}/public.git`,
      );
      await stage.shell(`git config --global --add safe.directory '*'; git config --global user.name a
        git config --global user.email a@b; git config --global init.defaultBranch main; cp /tmp/.gitconfig gitconfig`);
      const out = await stage.shell(`
        export GIT_CONFIG_GLOBAL=${stage.data}/gitconfig
        git init -q work; cd work
        for i in 1 2 3; do cp ../secret f$i; seq 1 $((i * 100)) >> f$i; git add .; git commit -qm "commit $i"; done
        git checkout -qb side HEAD~1; echo side > side; git add .; git commit -qm side
        git checkout -q main; git merge -q --no-edit side
        git log --oneline | wc -l; git gc -q; git fsck --strict; git repack -adq; ls .git/objects/pack/*.pack | wc -l
        git clone -q --bare . ../bare.git; git commit -q --allow-empty -m more; git push -q ../bare.git main
        git -C ../bare.git log --format=%s -1 main; git clone -q file://${stage.data}/bare.git ../copy
        git -C ../copy grep -c ${SECRET} f3; git worktree add -q ../tree side; git stash list; git diff --stat HEAD~2 | tail -1
        git archive main | tar t | wc -l; git blame f1 | head -1 | cut -c1-8 | wc -c; git fetch -q ${stage.out}/public.git || true`);
      match(out, /^5\n1\nmore\nf3:1\n.*1 file changed.*\n4\n9\n$/s);
      strictEqual((await stage.shell("cd work; git status --porcelain", env(stage.data))).trim(), "");
    },
  },
  {
    name: "no way out: push, clone, bundle, worktree, trace, network",
    async run(stage) {
      const work = { ...env(stage.data), folder: `${stage.data}/work` };
      const attempt = (what: string, ...argv: string[]): Attempt => ({
        what,
        argv: ["git", ...argv],
        refused: "folder",
        options: work,
      });
      await stage.noWayOut([
        attempt("push", "push", `${stage.out}/public.git`, "main"),
        attempt("push by pipe", "push", `file://${stage.out}/public.git`, "main:leak"),
        attempt("clone", "clone", "-q", ".", `${stage.out}/clone`),
        attempt("bundle", "bundle", "create", `${stage.out}/bundle`, "main"),
        attempt("worktree", "worktree", "add", `${stage.out}/tree`),
        attempt("archive", "archive", "-o", `${stage.out}/x.tar`, "main"),
        attempt("patches", "format-patch", "-o", `${stage.out}/p`, "HEAD~2"),
        { ...attempt("trace", "log"), options: { ...work, env: { GIT_TRACE: `${stage.out}/trace` } } },
        {
          what: "over the network",
          argv: ["git", "push", `git://${ADDRESS}:${PORT}/x.git`, "main"],
          refused: "network",
          options: work,
        },
      ]);
    },
  },
];

const env = (data: string) => ({ env: { GIT_CONFIG_GLOBAL: `${data}/gitconfig` } });
