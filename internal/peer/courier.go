package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"entente/journal"

	"filippo.io/age"
)

// CourierExtension is what courier files are called by custom. Nothing depends on a
// file's name, and nothing in a file names another.
const CourierExtension = ".courier"

// DefaultCourierBytes bounds a courier file where nothing else is said. What does
// not fit goes into the next file, made with what the reader will then have.
const DefaultCourierBytes = 1 << 30

// Errors of courier files, for people.
var (
	// ErrCourierDamaged marks a file that was changed or cut. Nothing of it was taken in.
	ErrCourierDamaged = errors.New("the courier file is damaged or incomplete; nothing of it was taken in: copy it again from the medium, or ask for a new one")
	// ErrCourierForeign marks a file that was not encrypted to this party's key, or
	// is not a courier file at all.
	ErrCourierForeign = errors.New("the courier file cannot be opened with this party's key: it is for another party, or not a courier file; check with whoever made it")
)

// CourierExport says what to write into a courier file.
type CourierExport struct {
	Unit     journal.UnitID
	From, To journal.PartyID
	// Have is what the reader is known to hold, from its receipts or its last hello;
	// empty writes everything. Want are payloads it has asked for.
	Have map[journal.Origin]journal.Head
	Want []journal.Hash
	// Recipients are the reader's age keys; at least one. Hybrid ones
	// (age.ParseHybridRecipient) resist quantum computers and cannot be mixed with
	// others.
	Recipients []age.Recipient
	// Limits.PacketBytes bounds the file; 0 means DefaultCourierBytes.
	Limits Limits
	Now    time.Time
}

// ExportCourier writes a courier file: one packet under age encryption. It reports
// what went in and whether more is left for another file.
func ExportCourier(ctx context.Context, b Backend, w io.Writer, x CourierExport) (Counts, bool, error) {
	fail := func(err error) (Counts, bool, error) {
		return Counts{}, false, fmt.Errorf("writing a courier file: %w", err)
	}
	if len(x.Recipients) == 0 {
		return fail(errors.New("the reader has no courier key; its identity has to name one"))
	}
	hello, err := newHello(ctx, b, x.Unit, x.From, x.To, x.Now)
	if err != nil {
		return fail(err)
	}
	have := x.Have
	if have == nil {
		have = make(map[journal.Origin]journal.Head)
	}
	o := &outgoing{
		backend: b, limits: courierLimits(x.Limits), hello: hello, have: have, want: x.Want,
		unavailable: make(map[journal.Hash]bool),
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	enc, err := age.Encrypt(buf, x.Recipients...)
	if err != nil {
		return fail(err)
	}
	sent, more, err := o.send(ctx, enc)
	if err == nil {
		err = enc.Close()
	}
	if err == nil {
		err = buf.Flush()
	}
	if err != nil {
		return fail(err)
	}
	return sent, more, nil
}

func courierLimits(l Limits) Limits {
	if l.PacketBytes <= 0 {
		l.PacketBytes = DefaultCourierBytes
	}
	if l.PacketEntries <= 0 {
		l.PacketEntries = 1 << 24
	}
	if l.PacketPayloads <= 0 {
		l.PacketPayloads = 1 << 20
	}
	return l
}

// CourierImport says how to read a courier file.
type CourierImport struct {
	Self       journal.PartyID
	Directory  Directory // Member is asked; Parties is not, there is no TLS key
	Identities []age.Identity
	Limits     Limits
}

// CourierReport tells what a courier file brought.
type CourierReport struct {
	From     journal.PartyID
	Unit     journal.UnitID
	Sent     time.Time
	Entries  int64 // new here
	Payloads int64 // new here
	// RefusedHere is what this side refused (a gap means that an earlier file is
	// missing; import it and then this one again), RefusedThere what the author
	// refused or withheld when it made the file.
	RefusedHere  []Refusal
	RefusedThere []Refusal
	// Have and Want are the author's: what to put into the file that answers this one.
	Have map[journal.Origin]journal.Head
	Want []journal.Hash
	More bool // the author had more than the file held
}

// ImportCourier reads a courier file twice: first to see that all of it is there and
// unchanged, then to take it in through the same door as a sync. Files may come in
// any order and more than once: old ones are harmless, and what has a gap before it
// is refused with that reason. Nobody vouches for From but the signatures inside.
func ImportCourier(ctx context.Context, b Backend, r io.ReadSeeker, x CourierImport) (CourierReport, error) {
	var rep CourierReport
	fail := func(err error) (CourierReport, error) { return rep, fmt.Errorf("reading a courier file: %w", err) }
	lim := courierLimits(x.Limits)
	open := func() (*Reader, error) {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		dec, err := age.Decrypt(r, x.Identities...)
		if err != nil {
			if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
				return nil, ErrCourierForeign
			}
			return nil, fmt.Errorf("%w (%s)", ErrCourierForeign, AgeReason(err))
		}
		return NewReader(dec, lim)
	}
	pr, err := open()
	if err != nil {
		return fail(damaged(err))
	}
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = pr.Next()
		}
	}
	if err != io.EOF {
		return fail(damaged(err))
	}
	h := pr.Hello()
	rep.From, rep.Unit, rep.Sent, rep.Have, rep.Want = h.From, h.Unit, h.Sent, h.Have, h.Want
	switch {
	case h.To != x.Self:
		return fail(refuse(CodeWrongParty, "the file is for another party than this one"))
	case h.From == x.Self:
		return fail(refuse(CodeWrongParty, "the file was made by this party itself"))
	case !x.Directory.Member(h.Unit, h.From):
		return fail(refuse(CodeWrongUnit, "no unit of that id is shared here with the party that the file names"))
	}
	if pr, err = open(); err != nil {
		return fail(damaged(err))
	}
	g := &incoming{backend: b, unit: h.Unit, from: h.From}
	got, err := g.receive(ctx, pr)
	rep.Entries, rep.Payloads, rep.More = got.entries, got.payloads, got.more
	rep.RefusedHere, rep.RefusedThere = got.ours, got.theirs
	if err != nil {
		return fail(err)
	}
	return rep, nil
}

// damaged turns what reading a bad file gives into what to do about it.
func damaged(err error) error {
	if errors.Is(err, ErrCourierForeign) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if r, ok := errors.AsType[*Refusal](err); ok && (r.Code == CodeBadVersion || r.Code == CodeUnknownFrame) {
		return err // whole, but of a newer program
	}
	return fmt.Errorf("%w (%v)", ErrCourierDamaged, plainError(err))
}

// AgeReason says why age cannot open a file, without any of the file's own bytes: what
// was given in its place may be a key, and a header's line is up to 2 MiB long. age
// quotes what it read, so that its words end at the first quotation mark.
func AgeReason(err error) string {
	text, _, quoted := strings.Cut(err.Error(), `"`)
	if quoted {
		text = strings.TrimRight(text, ": ")
	}
	return plain(text, 300)
}

// plainError is err's text, fit to be shown.
func plainError(err error) string { return plain(err.Error(), 300) }
