package node

import (
	"path"
	"regexp"
	"strings"
	"sync"
)

// fileKind says what a file in a node's folder is for.
type fileKind string

const (
	fileSetting  fileKind = "setting"  // what people set: config.yaml; and the format
	fileIdentity fileKind = "identity" // who this party is, and its partners
	fileKey      fileKind = "key"
	fileLog      fileKind = "log"      // a journal or the local log: the truth
	filePayload  fileKind = "payload"  // truth, but for what partners hold too
	fileProof    fileKind = "proof"    // of misbehaviour
	filePrivate  fileKind = "private"  // drafts, pairings, tokens, notices, officers, sessions, the audit log
	fileDerived  fileKind = "derived"  // made again when it is lost
	fileMark     fileKind = "mark"     // a high-water mark: never in a backup
	fileOperator fileKind = "operator" // programs that the operator put there: not ours to keep
	filePassing  fileKind = "passing"  // means something to a running process only
	fileLeft     fileKind = "left"     // what a crash may leave behind
	fileUnknown  fileKind = "unknown"
)

// fileName says what the files of some names are for.
type fileName struct {
	name *regexp.Regexp
	kind fileKind
}

// The names in a folder. This table is all that backup, restore and doctor know
// about them. Most commands never ask: it is made when one does.
var fileNames = sync.OnceValue(func() []fileName {
	return []fileName{
		{regexp.MustCompile(`^(config\.yaml|settings\.json|assets\.json|prevalent\.json|format|keys/witness\.noted|keys/evidence\.recipient)$`), fileSetting},
		{regexp.MustCompile(`^hooks/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`), fileOperator},
		{regexp.MustCompile(`^guard/[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(json|txt)$`), fileSetting},
		{regexp.MustCompile(`^(identity\.json|units/[0-9a-f]{64}/unit\.json)$`), fileIdentity},
		{regexp.MustCompile(`^(keys/(node|tls|tls-previous|witness|courier|evidence)\.key|units/[0-9a-f]{64}/journal-[0-9]{1,3}\.key)(\.next)?$`), fileKey},
		{regexp.MustCompile(`^(units/[0-9a-f]{64}/journals/[0-9a-f]{64}|local\.log|(sightings|findings)/[0-9]{4}-[0-9]{2}-[0-9]{2})/(log|head)$`), fileLog},
		{regexp.MustCompile(`^(units/[0-9a-f]{64}/journals/[0-9a-f]{64}/(index|points|hashes|derived)|(local\.log|(sightings|findings)/[0-9]{4}-[0-9]{2}-[0-9]{2})/(index|points|derived))$`), fileDerived},
		{regexp.MustCompile(`^units/[0-9a-f]{64}/payloads/[0-9a-f]{2}/[0-9a-f]{64}$`), filePayload},
		{regexp.MustCompile(`^units/[0-9a-f]{64}/evidence/[0-9A-Za-z._-]{1,200}\.json$`), fileProof},
		{regexp.MustCompile(`^(drafts|pairings|tokens|notices|officers|sessions|pending)\.json$`), filePrivate},
		{regexp.MustCompile(`^given/[0-9]{8}$`), filePrivate},
		{regexp.MustCompile(`^held/h-[0-9a-f]{12}(\.json|-[0-9]{1,2}\.sealed)$`), filePrivate},
		{regexp.MustCompile(`^audit/(audit-[0-9]{6}\.jsonl|head)$`), filePrivate},
		{regexp.MustCompile(`^statuses/[0-9]{16}-[0-9]{1,9}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$`), filePrivate},
		{regexp.MustCompile(`^objects/[^/]+$`), fileDerived},
		{regexp.MustCompile(`^(highwater/([0-9a-f]{64}|cosigned-[0-9a-f]{64}|identities|witness-[0-9a-f]{32})|keys/witness\.unused)$`), fileMark},
		{regexp.MustCompile(`^(lock|control\.sock|spool/[^/]+)$`), filePassing},
	}
})

// kindOf tells what the file of a name (with slashes, from the folder on) is.
// What a crash leaves of a file that is being written bears that file's name and
// .tmp behind it; a rotation stages its keys in .rotate.
func kindOf(name string) fileKind {
	if strings.HasSuffix(name, ".tmp") || strings.HasPrefix(path.Base(name), ".tmp-") || strings.HasPrefix(name, ".rotate/") || strings.HasPrefix(name, restoringDir+"/") {
		return fileLeft
	}
	for _, n := range fileNames() {
		if n.name.MatchString(name) {
			return n.kind
		}
	}
	return fileUnknown
}

// backedUp are the files that are truth; what is derived is made again, and the
// high-water marks must not be in a backup at all: they are what tells a restored
// folder from a current one.
func backedUp(name string) bool {
	switch kindOf(name) {
	case fileSetting, fileIdentity, fileKey, fileLog, filePayload, fileProof:
		return true
	case filePrivate:
		// A pairing does not outlive its process by much. A token that was revoked, and an
		// officer who was disabled, after the backup must not come back with it. The audit
		// log grows by itself, and is copied as it is.
		return name == "drafts.json" || path.Dir(name) == givenDir
	}
	return false
}
