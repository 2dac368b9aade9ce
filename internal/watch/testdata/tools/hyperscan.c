/* Looks for the literals of a list, whatever their case, in a file, line after line: hyperscan LIST FILE. Tells the processor
   time of compiling and of looking, and how many lines hold one. Needs libhyperscan: cc -O2 hyperscan.c -lhs. */
#define _GNU_SOURCE
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int hit(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *seen) {
  *(int *)seen = 1;
  return 1; /* one is enough */
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *f = fopen(argv[1], "r");
  if (!f) return 1;
  size_t n = 0, room = 1 << 20;
  const char **text = malloc(room * sizeof *text);
  size_t *len = malloc(room * sizeof *len);
  unsigned *ids = malloc(room * sizeof *ids), *flags = malloc(room * sizeof *flags);
  char *line = NULL;
  size_t cap = 0;
  for (ssize_t l; (l = getline(&line, &cap, f)) > 0 && n < room;) {
    if (line[l - 1] == '\n') line[--l] = 0;
    if (!l) continue;
    text[n] = strdup(line);
    len[n] = l;
    ids[n] = n;
    flags[n++] = HS_FLAG_CASELESS;
  }
  fclose(f);
  double begin = cpu();
  hs_database_t *db;
  hs_compile_error_t *err;
  if (hs_compile_lit_multi(text, flags, ids, len, n, HS_MODE_BLOCK, NULL, &db, &err) != HS_SUCCESS) {
    fprintf(stderr, "%s\n", err->message);
    return 1;
  }
  double compiled = cpu();
  hs_scratch_t *scratch = NULL;
  hs_alloc_scratch(db, &scratch);
  f = fopen(argv[2], "r");
  if (!f) return 1;
  fseek(f, 0, SEEK_END);
  size_t size = ftell(f);
  rewind(f);
  char *log = malloc(size + 1);
  if (fread(log, 1, size, f) != size) return 1;
  double start = cpu();
  long lines = 0;
  for (char *p = log, *end = log + size; p < end;) {
    char *nl = memchr(p, '\n', end - p);
    if (!nl) nl = end;
    int seen = 0;
    hs_scan(db, p, nl - p, 0, scratch, hit, &seen);
    lines += seen;
    p = nl + 1;
  }
  printf("{\"compile\":%f,\"scan\":%f,\"lines\":%ld}\n", compiled - begin, cpu() - start, lines);
  return 0;
}
