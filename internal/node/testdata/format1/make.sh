#!/bin/sh
# Makes the kept folders of on-disk format 1: sh make.sh ENTENTE, with the
# program built from the last commit before format 2 (see README.md). It needs
# jq, xz and two free ports on loopback. It is kept to show how the folders came
# to be; the tests need only what it made.
set -eu
exe=$(realpath "$1")
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /tmp/kept.XXXXXX)
cd "$work"
unset ENTENTE_DIR ENTENTE_AGENCY ENTENTE_ROLE || true
export HOME="$work"

north() { "$exe" --dir north -q "$@"; }
south() { "$exe" --dir south -q "$@"; }

start() { # both serve until stop
  for who in north south; do
    "$exe" --dir $who -q serve --json --http-listen none > $who.out 2> $who.log &
    echo $! > $who.pid
    while ! grep -q ready $who.out; do sleep 0.1; done
  done
}
stop() {
  for who in north south; do
    pid=$(cat $who.pid); kill -INT "$pid"; wait "$pid" || true
  done
}
meet() { # until both have everything
  # A session may cross one that the other side opens; the next one has it all.
  for _ in 1 2 3; do north sync --json > /dev/null || true; south sync --json > /dev/null || true; done
}
pair() {
  inv=$(north unit invite --unit "$1" --json | jq -r .invitation)
  south unit join "$inv" --json > join.json
  north status --json > status.json
  north unit confirm "$(jq -r .digits join.json)" --json > /dev/null
  south unit confirm "$(jq -r '[.pairings[]|select(.state!="done")][0].digits' status.json)" --json > /dev/null
  meet
}
agree() {
  north accord example minimal --unit "$1" > accord.yaml
  hash=$(north accord propose accord.yaml --unit "$1" --json | jq -r .hash)
  meet
  north accord sign "$hash" --unit "$1" --json > /dev/null
  south accord sign "$hash" --unit "$1" --json > /dev/null
  meet
}
indicators() { # FROM TO NAME: a bundle of indicators, every second one marked
  seq "$1" "$2" | jq -s --arg name "$3" '{type:"bundle",id:"bundle--00000000-0000-4000-8000-000000000001",objects:map(
    {type:"indicator",spec_version:"2.1",id:("indicator--00000000-0000-4000-8000-"+(("000000000000"+(.|tostring))[-12:])),
     created:"2026-01-01T00:00:00.000Z",modified:"2026-01-01T00:00:00.000Z",name:($name+" "+(.|tostring)),
     pattern:("[domain-name:value = '"'"'h"+(.|tostring)+".bad.example'"'"']"),pattern_type:"stix",valid_from:"2026-01-01T00:00:00Z",
     object_marking_refs:["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]})}'
}

north init --name North --org-key north.key --peer-listen 127.0.0.1:47441 --http-listen none --json > north.init
south init --name South --org-key south.key --peer-listen 127.0.0.1:47442 --http-listen none --json > south.init
start
for unit in Watch Fork Successor; do
  north unit found "$unit" --json > /dev/null
  pair "$unit"
  agree "$unit"
done

# Imports, shares both ways, something in quarantine, one of it accepted.
indicators 1 40 north > north.json
indicators 31 60 south > south.json # ten ids are both's, with other bytes
north import north.json --json > /dev/null
south import south.json --json > /dev/null
north share --unit Watch --source north.json --json > /dev/null
meet
south share --unit Watch --value h45.bad.example --json > /dev/null
south share --unit Watch --source south.json --json > /dev/null
meet
item=$(south intake list --json | jq -r '.items[0].item')
south intake accept "$item" --reason "checked by telephone" --json > /dev/null
item=$(south intake list --json | jq -r '.items[0].item')
south intake reject "$item" --reason "ours is the better" --json > /dev/null

# Requests: one answered with an object and assessed, one asked, drafts.
id=$(north request new --unit Watch --urgency urgent --title "Who runs h45.bad.example?" --text "Seen since Monday." --field subject=h45 --field facts=seen --field purpose=defence --json | jq -r .request.id)
meet
south request ack "$id" --unit Watch --json > /dev/null
south request accept "$id" --unit Watch --json > /dev/null
south request answer "$id" --unit Watch --text "A reseller." --object indicator--00000000-0000-4000-8000-000000000045 --json > /dev/null
meet
north request assess "$id" --unit Watch --score relevance=5 --score timeliness=4 --use blocked --json > /dev/null
south request new --unit Watch --title "And h7?" --text "Please look." --field subject=h7 --field facts=none --field purpose=defence --json > /dev/null
north request new --unit Watch --title "A draft" --text "Not sent." --field subject=x --field facts=x --field purpose=x --draft --json > /dev/null
meet

# A suspension and its end; rotated keys, heard by the partner.
north unit suspend --unit Watch --code security --json > /dev/null
meet
north unit resume --unit Watch --json > /dev/null
meet
north identity rotate node --org-key north.key --json > /dev/null
meet
south identity rotate tls --org-key south.key --json > /dev/null
meet
stop; start; meet
north identity rotate org --org-key north.key --new-org-key north2.key --json > /dev/null
meet
stop

# A proof: a copy of South's folder signs another history in the unit Fork.
cp -r south copy
start
south unit suspend --unit Fork --scope share --json > /dev/null
meet
stop
"$exe" --dir copy -q unit suspend --unit Fork --code other --json > /dev/null
"$exe" --dir copy -q courier export --unit Fork --party North --full --output fork.courier --json > /dev/null
north courier import fork.courier --json > fork.json || true # it is refused, and the proof kept
start; meet; stop

# A successor: North's mark of the unit Successor is lost.
origin=$(north unit show --unit Successor --json | jq -r '.brief.members[]|select(.self)|.origin' | sed 's,^entente/,,')
rm "north/highwater/$origin"
north journal succeed --org-key north2.key --json > /dev/null
start; meet
north unit suspend --unit Successor --json > /dev/null
meet
north unit resume --unit Successor --json > /dev/null
meet
south unit invite --unit Watch --json > /dev/null || true # an invitation that is open
stop

# What the old program says of them.
for who in north south; do
  for unit in Watch Fork Successor; do
    "$exe" --dir $who -q unit show --unit $unit --json > "$who-$unit.unit.json"
    "$exe" --dir $who -q request list --unit $unit --state all --json > "$who-$unit.requests.json"
    "$exe" --dir $who -q dossier export --unit $unit --output dossier --json > /dev/null
    "$exe" -q verify dossier --json > "$who-$unit.dossier.json" || true
    "$exe" --dir $who -q journal show --unit $unit --evidence --json > "$who-$unit.evidence.json"
  done
  "$exe" --dir $who -q search --type indicator --limit 1000 --json > $who.search.json
  "$exe" --dir $who -q intake list --state all --json > $who.intake.json
  "$exe" --dir $who -q journal verify --json > $who.verify.json
  "$exe" --dir $who -q status --json > $who.status.json
  "$exe" --dir $who -q rebuild --yes --json > $who.rebuild.json
done
"$exe" version --json > version.json
mkdir said; mv ./*.unit.json ./*.requests.json ./*.dossier.json ./*.evidence.json ./*.search.json ./*.intake.json ./*.verify.json ./*.status.json ./*.rebuild.json version.json said/
tar --sort=name --owner=0 --group=0 --numeric-owner -cf - north south north2.key south.key said | gzip -9n > "$out/kept.tar.gz"
ls -l "$out/kept.tar.gz"
echo "made in $work"
