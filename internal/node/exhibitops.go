package node

import "time"

// ExhibitAddRequest announces an exhibit: its manifest is the body of the call. The same manifest again goes on
// with what was begun.
type ExhibitAddRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	About  string `json:"about,omitempty"` // the request or case that it belongs to
	TLP    string `json:"tlp,omitempty"`   // default amber
	DryRun bool   `json:"dry_run,omitempty"`
}

// ExhibitAddResponse says what was written, and from where on the content is wanted.
type ExhibitAddResponse struct {
	WriteResponse
	Exhibit *ExhibitView `json:"exhibit,omitempty"` // none in a dry run
	Pace    *ExhibitPace `json:"pace,omitempty"`    // of a dry run: how fast it could be written
	Resumed bool         `json:"resumed"`           // it was begun before
	Offset  int64        `json:"offset"`            // bytes of the content that are here already, from the beginning on
	Until   int64        `json:"until"`             // up to where the accord's bytes of the day let it go on now; see Exhibit.Pace
}

// ExhibitContentRequest brings content of an exhibit that is being added: the body of the call, from Offset to Until. Every
// chunk is compared with the manifest. With the last one the exhibit is complete. What the accord's bytes of the day leave no
// room for is not taken in; the answer says from where on it is wanted, and when.
type ExhibitContentRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Offset int64  `json:"offset"`          // a multiple of the chunk size
	Until  int64  `json:"until,omitempty"` // another one, or the end of the content; 0 stands for the end
}

// ExhibitIDRequest names one exhibit.
type ExhibitIDRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
}

// ExhibitListRequest lists exhibits.
type ExhibitListRequest struct {
	Unit  string `json:"unit,omitempty"`
	About string `json:"about,omitempty"` // of one request or case
}

// ExhibitListResponse is the answer.
type ExhibitListResponse struct {
	Exhibits []ExhibitView `json:"exhibits"`
}

// ExhibitView is one exhibit as this node holds it.
type ExhibitView struct {
	ID      string `json:"id"`
	Short   string `json:"short"`
	Unit    string `json:"unit"`
	From    string `json:"from"`
	About   string `json:"about,omitempty"`
	State   string `json:"state"` // adding, complete, abandoned
	Title   string `json:"title,omitempty"`
	TLP     string `json:"tlp,omitempty"`
	Files   int64  `json:"files"`
	Bytes   int64  `json:"bytes"`
	Chunk   int64  `json:"chunk"` // bytes of every chunk but the last
	Chunks  int64  `json:"chunks"`
	Written int64  `json:"written"` // chunks that its journal has
	Here    int64  `json:"here"`    // chunks whose bytes are held here, as far as is known
	// ReadBack are those of Here of which this process knows that they are what they were: written or read back by it, and not
	// changed since.
	ReadBack int64 `json:"read_back"`
	// Missing are chunks that are written and not here, Damaged those that lie here and are not what they were. Both are asked for
	// at the next session.
	Missing   int64     `json:"missing"`
	Damaged   int64     `json:"damaged"`
	Added     time.Time `json:"added"`
	Completed time.Time `json:"completed,omitzero"`
	// Seal is the commitment of the manifest, which statements of custody name.
	Seal string `json:"seal"`
	// ManifestSHA256 is the hash of the manifest's bytes, in hex; "" if the manifest is not held here.
	ManifestSHA256 string            `json:"manifest_sha256,omitempty"`
	List           []ExhibitFile     `json:"list,omitempty"` // the first 1,000 files; only of one exhibit
	Holders        []ExhibitHolder   `json:"holders"`
	Steps          []ExhibitStepView `json:"steps,omitempty"`    // only of one exhibit
	Received       []ReceiptOfWhole  `json:"received,omitempty"` // whose receipts cover the whole
	Next           []string          `json:"next,omitempty"`     // what this party may do
	Pace           *ExhibitPace      `json:"pace,omitempty"`     // only while it is being added under an accord
	Labels         Labels            `json:"labels,omitempty"`
}

// ExhibitPace says how fast the rest of an exhibit may be written: its author's payloads are counted by day (quotas.bytes_per_day
// of the accord). It is reckoned as if the content did not compress and nothing else were sent.
type ExhibitPace struct {
	Clause  string    `json:"clause"`           // the accord's clause on quotas
	PerDay  int64     `json:"per_day"`          // bytes of content that may be written in a day; 0 if a chunk is more than the accord allows in one
	Today   int64     `json:"today"`            // bytes of content that may still be written today
	Resumes time.Time `json:"resumes,omitzero"` // when the next chunk may be written, if that is not now
	Ends    time.Time `json:"ends,omitzero"`    // the day (UTC) on which the last chunk may be written
}

// ExhibitFile is one file of an exhibit.
type ExhibitFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Type   string `json:"type"`
}

// ExhibitHolder is where one party stands.
type ExhibitHolder struct {
	Party    string    `json:"party"`
	Position string    `json:"position"`
	At       Claim     `json:"at"`
	Since    time.Time `json:"since"`
	Labels   Labels    `json:"labels,omitempty"`
}

// ExhibitStepView is one entry in the life of an exhibit, with the times at which others receipted it.
type ExhibitStepView struct {
	Ref      string           `json:"ref"`
	Move     string           `json:"move"`
	Act      string           `json:"act,omitempty"` // of a custody step
	Party    string           `json:"party"`
	By       Claim            `json:"by"`
	At       time.Time        `json:"at"`
	Seal     string           `json:"seal,omitempty"` // the hash that the statement is about
	Code     string           `json:"code,omitempty"`
	To       Claim            `json:"to,omitzero"` // handed
	Text     string           `json:"text,omitempty"`
	Absent   string           `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Receipts []ReceiptOfWhole `json:"receipts,omitempty"`
	Refused  string           `json:"refused,omitempty"` // it changed nothing, and why
	Reason   string           `json:"reason,omitempty"`
	Labels   Labels           `json:"labels,omitempty"`
}

// ReceiptOfWhole says when a party receipted.
type ReceiptOfWhole struct {
	Party string    `json:"party"`
	At    time.Time `json:"at"`
}

// ExhibitVerifyResponse says whether all of an exhibit is here and is what its manifest says.
type ExhibitVerifyResponse struct {
	OK      bool     `json:"ok"`
	ID      string   `json:"id"`
	Seal    string   `json:"seal"`
	Files   int64    `json:"files"`  // verified
	Chunks  int64    `json:"chunks"` // verified
	Bytes   int64    `json:"bytes"`  // verified
	Missing int64    `json:"missing"`
	Damaged int64    `json:"damaged,omitempty"` // chunks that were changed on this disk; they are asked for again
	Errors  []string `json:"errors,omitempty"`  // at most 100
}

// ExhibitCustodyRequest states who holds an exhibit. Received, handed, examined and returned verify the whole before.
type ExhibitCustodyRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Act    string `json:"act"` // received, rejected, handed, examined, returned, destroyed
	Code   string `json:"code,omitempty"`
	To     Claim  `json:"to,omitzero"` // handed: the agency and role it goes to
	Text   string `json:"text,omitempty"`
	TLP    string `json:"tlp,omitempty"` // of the text
	DryRun bool   `json:"dry_run,omitempty"`
}

// ExhibitGetRequest asks for the content of an exhibit: all files, one behind the other, in the order of the manifest.
type ExhibitGetRequest struct {
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Offset int64  `json:"offset,omitempty"`
}
