package notify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/internal/lang"
)

// Codes of what the node itself needs a person for; those of a unit are of package desk. They are stable, and keys of
// the catalogues below "need.".
const (
	ItemJournalBroken    = "journal-broken"    // the journal of From is proved to break the rules; Word says which
	ItemDisk             = "disk"              // the disk failed under the journals of a unit
	ItemDiskFull         = "disk-full"         // nothing is taken in until there is room
	ItemDerived          = "derived"           // what is derived cannot be written
	ItemLocal            = "local"             // the local log cannot be written
	ItemBarredUnknown    = "barred-unknown"    // From does not know this side by its key
	ItemBarredKey        = "barred-key"        // From shows another TLS key than its identity names
	ItemUnreachable      = "unreachable"       // no session with From for too long
	ItemGrowth           = "growth"            // From sends more than is taken in an hour
	ItemHeld             = "held"              // nothing is signed
	ItemRetired          = "retired"           // the own journal may not be extended
	ItemIdentityOutdated = "identity-outdated" // members know a newer version of the own identity
	ItemIdentityExpires  = "identity-expires"  // at Due
	ItemIntakeWaits      = "intake-waits"      // content has not been taken in
	ItemQuarantine       = "quarantine"        // objects wait for a decision
	ItemRelease          = "release"           // an act waits for a second person until Due
	ItemAlarm            = "alarm"             // the node drafted a notice or a request about the asset in Word
	ItemFindingOpen      = "finding-open"      // Count matters of the asset in Word are neither drafted nor settled
	ItemPairingFailed    = "pairing-failed"    // perhaps somebody stands in between
	ItemPairingCompare   = "pairing-compare"   // digits are to be compared by voice
	ItemGuardList        = "guard-list"        // a list cannot be used
	ItemGuardPrevalent   = "guard-prevalent"   // values are held because they are seen everywhere
	ItemGuardDisputed    = "guard-disputed"    // partners state that own indicators are false positives
	ItemTakenBack        = "taken-back"        // the object in Word is taken back here, and the members of the unit have it
	ItemWitnessStopped   = "witness-stopped"   // this node's witness cosigns nothing
	ItemWitnessRetired   = "witness-retired"   // the same; a successor of the journal replaces its key
	ItemAuditBroken      = "audit-broken"      // a line of the audit log does not hold
	ItemAuditMissing     = "audit-missing"     // acts since the start are not in the audit log
	ItemMore             = "more"              // Count more of the code in Word
)

// Item is one thing that waits for a person, in codes; [Item.Text] has the words.
type Item struct {
	Code    string    `json:"code"`
	Unit    string    `json:"unit,omitempty"`  // name
	Ref     string    `json:"ref,omitempty"`   // of an entry, "origin#index", or a party
	Short   string    `json:"short,omitempty"` // the entry as commands take it
	From    string    `json:"from,omitempty"`  // name of the member that asks, calls, claims, is bound
	To      string    `json:"to,omitempty"`    // name of the member whose turn it is
	Word    string    `json:"word,omitempty"`  // a code that says more: the type of a request, a move, the stage of a clock
	Urgency string    `json:"urgency"`         // emergency, urgent, routine
	Since   time.Time `json:"since,omitzero"`
	Due     time.Time `json:"due,omitzero"`
	Overdue bool      `json:"overdue,omitempty"`
	Drill   bool      `json:"drill,omitempty"`
	Step    int       `json:"step,omitempty"`
	Count   int       `json:"count,omitempty"`
	// Detail is what is particular to the case and has no code: the words of an error, the name of a file, digits.
	Detail string            `json:"detail,omitempty"`
	Labels map[string]string `json:"labels,omitempty"` // in the language that was asked for
}

// Families are those of the words that items carry, by the item's code: keys of the catalogues.
var families = map[string]string{
	desk.NeedRequestNew: "type", desk.NeedRequestTurn: "move", desk.NeedRequestOpen: "state", desk.NeedClockSoon: "stage", desk.NeedClockOverdue: "stage",
	desk.NeedCaseReply: "claim", desk.NeedSuspended: "reason", desk.NeedBreach: "gate", ItemJournalBroken: "fault", ItemRelease: "kind",
}

// commands are what a person types next, by code; "ID" stands for the item's.
var commands = map[string]string{
	desk.NeedRequestNew: "request ack ID", desk.NeedRequestTurn: "request show ID", desk.NeedRequestOpen: "request show ID", desk.NeedClockSoon: "request show ID", desk.NeedClockOverdue: "request show ID",
	desk.NeedCallRings: "hotline ack ID", desk.NeedCallClimb: "hotline escalate ID", desk.NeedCallUnanswered: "hotline show ID", desk.NeedCallOpen: "hotline show ID",
	desk.NeedPing: "contact answer ID", desk.NeedDrillAnnounced: "hotline list", desk.NeedDrillDue: "hotline announce --from DATE", desk.NeedContactStale: "contact confirm WORD",
	desk.NeedCaseReply: "case show ID", desk.NeedCaseClose: "case close ID", desk.NeedCommitmentSoon: "commitment show ID", desk.NeedCommitmentOverdue: "commitment show ID", desk.NeedCommitmentView: "commitment show ID",
	desk.NeedStatementSign: "statement show ID", desk.NeedLeakAnswer: "leak show ID", desk.NeedExhibitTake: "exhibit custody ID received", desk.NeedExhibitFinish: "exhibit show ID",
	desk.NeedReviewCommit: "review show ID", desk.NeedReviewReveal: "review reveal ID", desk.NeedReviewSign: "review sign ID", desk.NeedReviewDiffers: "review show ID",
	desk.NeedAccordAnswer: "accord show", desk.NeedSuspended: "unit show", desk.NeedLeaving: "unit show", desk.NeedLeft: "unit show", desk.NeedBreach: "unit show",
	ItemJournalBroken: "journal show --evidence", ItemDisk: "doctor", ItemDiskFull: "doctor", ItemDerived: "doctor", ItemLocal: "doctor",
	ItemBarredUnknown: "unit invite", ItemBarredKey: "unit invite", ItemUnreachable: "doctor", ItemGrowth: "status", ItemHeld: "doctor", ItemRetired: "journal succeed --org-key FILE",
	ItemIdentityOutdated: "identity rotate tls --org-key FILE", ItemIdentityExpires: "identity rotate tls --org-key FILE", ItemIntakeWaits: "doctor", ItemQuarantine: "intake list", ItemRelease: "release show ID", ItemAlarm: "request show ID", ItemFindingOpen: "asset findings --open --asset WORD",
	ItemPairingFailed: "unit list", ItemPairingCompare: "unit confirm DIGITS", ItemGuardList: "guard list", ItemGuardPrevalent: "guard prevalent", ItemGuardDisputed: "guard disputes", ItemTakenBack: "share --id WORD",
	ItemAuditBroken: "audit verify", ItemAuditMissing: "doctor",
	ItemWitnessStopped: "identity rotate witness --org-key FILE", ItemWitnessRetired: "journal succeed --org-key FILE",
}

// Codes are those that items have, sorted.
func Codes() []string { return append(slices.Sorted(maps.Keys(commands)), ItemMore) }

// lists are the commands that list what an item is one of.
var lists = map[string]string{
	"request": "request list", "clock": "request list", "call": "hotline list", "ping": "hotline list", "drill": "hotline list", "contact": "contact list",
	"case": "case list", "commitment": "commitment list", "statement": "statement list", "leak": "leak list", "exhibit": "exhibit list", "review": "review list",
}

// Family is that of the item's Word in the catalogues, "" where it is a name.
func (i *Item) Family() string { return families[i.Code] }

// Group is what the item is one of many of: the first part of its code.
func (i *Item) Group() string {
	group, _, _ := strings.Cut(i.Code, "-")
	if group == "clock" { // of requests
		group = "request"
	}
	return group
}

// Command is what to type next.
func (i *Item) Command() string {
	command := commands[i.Code]
	if i.Code == ItemMore {
		if command = lists[i.Word]; command == "" {
			command = "unit show"
		}
	}
	return "entente " + strings.NewReplacer("ID", i.Short, "WORD", i.Word).Replace(command)
}

// Text is Line, and what to type next.
func (i *Item) Text(c *lang.Catalog) string {
	return i.Line(c) + " [" + lang.Visible(i.Command()) + "]"
}

// Line says in one line what waits, for whom and until when. Nothing in it can drive a terminal.
func (i *Item) Line(c *lang.Catalog) string {
	word := i.Word
	if family := i.Family(); family != "" {
		word = c.Code(family, word)
	}
	if word == "" {
		word = c.Text("ui.none")
	}
	when := c.Text("need.when-none")
	switch {
	case i.Overdue:
		when = c.Text("need.when-overdue", "due", c.Time(i.Due.Local()))
	case !i.Due.IsZero():
		when = c.Text("need.when-due", "due", c.Time(i.Due.Local()))
	}
	key := "need." + i.Code
	if i.Word == desk.ClockHold { // nobody owes a date that comes
		switch i.Code {
		case desk.NeedClockSoon:
			key = "need.hold-soon"
		case desk.NeedClockOverdue:
			key = "need.hold-overdue"
		}
	}
	text := c.Text(key, "n", i.Count, "id", i.Short, "from", i.From, "to", i.To, "word", word, "when", when, "urgency", c.Code("urgency", i.Urgency),
		"since", c.Time(i.Since.Local()), "due", c.Time(i.Due.Local()), "step", i.Step)
	if i.Detail != "" {
		text += " (" + c.Tell(i.Detail) + ")"
	}
	if i.Drill {
		text = c.Text("need.in-drill", "text", text)
	}
	if i.Unit != "" {
		text = c.Text("need.in-unit", "unit", i.Unit, "text", text)
	}
	return lang.Visible(text)
}
