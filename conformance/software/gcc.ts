/** gcc: a real project (bzip2, as its author published it) built by `make -j2`, tested, and used. */
import { match, strictEqual } from "node:assert";
import { ensureSource, silent } from "../../src/setup/index.ts";
import type { Attempt } from "./stage.ts";
import type { Program } from "./suite.ts";

export const gcc: Program = [
  {
    name: "bzip2 with make -j2, its own tests, and in use",
    async run(stage) {
      const archive = await ensureSource("bzip2", silent);
      await stage.open(`tar xf ${archive} && mv bzip2-* bzip2`);
      const folder = { folder: `${stage.data}/bzip2` };
      await stage.ok(["make", "-j2", "bzip2", "bzip2recover", "libbz2.a"], folder);
      match(await stage.ok(["make", "test"], folder), /If you got this far and the 'cmp's didn't complain/);
      await stage.shell(
        "make install PREFIX=$PWD/../usr > ../install.log; ../usr/bin/bzip2 -k < ../secret > ../secret.bz2",
        folder,
      );
      strictEqual(
        await stage.shell(
          "usr/bin/bunzip2 -t < secret.bz2 && bunzip2 < secret.bz2 | cmp - secret && echo same",
        ),
        "same\n",
      );
    },
  },
  {
    name: "no way out: output, dependencies, temporary files, install, the program it built",
    async run(stage) {
      await stage.shell(`printf '%s\\n' '#include <stdio.h>' 'char *s =' "\\"$(cat secret)\\"" ';int main(void){puts(s);return 0;}' > s.c
        printf '%s\\n' '#include <fcntl.h>' '#include <unistd.h>' '#include <sys/syscall.h>' \\
          'int main(int c,char**v){char b[64];int f=open(v[1],0),n=read(f,b,64);int o=syscall(SYS_openat,-100,v[2],O_CREAT|O_WRONLY,0666);return o<0||write(o,b,n)<0;}' > thief.c
        gcc -O2 -static thief.c -o thief`);
      const attempt = (what: string, ...argv: string[]): Attempt => ({ what, argv, refused: "folder" });
      await stage.noWayOut([
        attempt("output", "gcc", "s.c", "-o", `${stage.out}/a.out`),
        attempt("dependencies", "gcc", "-c", "-MD", "-MF", `${stage.out}/d`, "s.c", "-o", "s.o"),
        attempt("preprocessed", "gcc", "-E", "s.c", "-o", `${stage.out}/s.i`),
        attempt(
          "temporary files",
          "env",
          `TMPDIR=${stage.out}`,
          "gcc",
          "-save-temps=obj",
          "s.c",
          "-o",
          `${stage.out}/t`,
        ),
        attempt("install", "make", "-C", "bzip2", "install", `PREFIX=${stage.out}/usr`),
        attempt("a program it built", "./thief", "secret", `${stage.out}/thief`),
      ]);
    },
  },
];
