# A hash join with a walk through the parents: awk -f join.awk LIST LOG, a log of Zeek DNS in JSON.
BEGIN { FS = "\"" }
NR == FNR { bad[$1]; next }
{
  hit = 0
  for (i = 2; i < NF && !hit; i += 2) {
    if ($i == "query") {
      v = tolower($(i + 2)); sub(/\.$/, "", v)
      while (1) {
        if (v in bad) { hit = 1; break }
        d = index(v, "."); if (!d) break
        v = substr(v, d + 1)
      }
    } else if ($i == "id.orig_h" || $i == "id.resp_h") hit = ($(i + 2) in bad)
  }
  lines += hit
}
END { print lines + 0 }
