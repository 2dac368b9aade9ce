package input

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// entryFile is an entry as it is written: the header of its table stands once for all that have it.
type entryFile struct {
	*Entry
	// Header is the number of its header, from 1 on; 0: the state has it, or there is none.
	Header int `json:"header_of,omitzero"`
}

// maxHeaders is the number of headers that are written once for all files that have them.
const maxHeaders = 10_000

// encode writes a book, a file at a time: there may be as many as a folder has.
func (b *Book) encode(w io.Writer) error {
	numbers, headers := map[string]int{}, []string{}
	for _, e := range b.Files {
		if h := e.State.Header; h != "" && numbers[h] == 0 && len(headers) < maxHeaders {
			headers = append(headers, h)
			numbers[h] = len(headers)
		}
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `{"saves":%d,"headers":%s,"files":[`, b.Saves, list); err != nil {
		return err
	}
	for i, e := range b.Files {
		plain := *e
		n := numbers[e.State.Header]
		if n > 0 {
			plain.State.Header = ""
		}
		line, err := json.Marshal(entryFile{&plain, n})
		if err != nil {
			return err
		}
		if i > 0 {
			line = append([]byte{',', '\n'}, line...)
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	kept := b.Kept
	if len(kept) == 0 {
		kept = json.RawMessage("null")
	}
	_, err = fmt.Fprintf(w, `],"kept":%s}`, kept)
	return err
}

// decode reads what encode wrote, whatever the order of its members, and leaves out entries that nobody wrote.
func (b *Book) decode(r io.Reader) error {
	dec := json.NewDecoder(r)
	if err := delimiter(dec, '{'); err != nil {
		return err
	}
	var headers []string
	var numbers []int // of the files
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case "saves":
			err = dec.Decode(&b.Saves)
		case "headers":
			err = dec.Decode(&headers)
		case "kept":
			err = dec.Decode(&b.Kept)
		case "files":
			numbers, err = b.decodeFiles(dec)
		default:
			var other json.RawMessage
			err = dec.Decode(&other)
		}
		if err != nil {
			return err
		}
	}
	if err := delimiter(dec, '}'); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end")
	}
	if string(b.Kept) == "null" {
		b.Kept = nil
	}
	for i, e := range b.Files {
		if n := numbers[i]; n > 0 && n <= len(headers) {
			e.State.Header = headers[n-1]
		}
		b.headers[e.State.Header] = e.State.Header
		b.add(e)
	}
	return nil
}

// decodeFiles reads the entries, and gives the number of the header of each.
func (b *Book) decodeFiles(dec *json.Decoder) (numbers []int, err error) {
	start, err := dec.Token()
	if err != nil || start == nil { // null
		return nil, err
	}
	if start != json.Delim('[') {
		return nil, errors.New("files is no list")
	}
	b.Files = nil
	for dec.More() {
		var x entryFile
		if err := dec.Decode(&x); err != nil {
			return nil, err
		}
		if x.Entry != nil && x.valid() && len(b.Files) < maxEntries {
			b.Files, numbers = append(b.Files, x.Entry), append(numbers, x.Header)
		}
	}
	return numbers, delimiter(dec, ']')
}

func delimiter(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err == nil && got != want {
		err = fmt.Errorf("%v stands where %v is expected", got, want)
	}
	return err
}
