package dossier_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/journal"
)

var (
	latin = regexp.MustCompile(`[A-Za-z]{2,}`)
	// data is what is the same in every language: hashes, references, names of standards, codes behind their words and clauses.
	data = regexp.MustCompile(`Test unit|[A-Za-z0-9+/]{43}=|entente/[a-z0-9#]+|[0-9a-f]{8,}|SHA-256|STIX|TLP|PAP|RFC|MD|\([a-z-]+\)|[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*`)
)

// TestReportSpeaksTheReadersLanguage: what the report and the page of a dossier say stands in the reader's language; beside data there
// is no Latin word in Chinese and in Russian.
func TestReportSpeaksTheReadersLanguage(t *testing.T) {
	w := newWorld(t, "1", "2")
	s := w.source()
	s.Purpose, s.Note = "1", "2"
	r, err := verify(pack(t, s))
	ok(t, err)
	r.Findings = append(r.Findings, dossier.Finding{Weight: dossier.Open, Code: dossier.CodeAbsent})
	for _, tag := range []string{"zh-Hans", "ru"} {
		c, _ := lang.Known(tag)
		var text, page bytes.Buffer
		ok(t, r.WriteText(&text, c))
		ok(t, r.WritePage(&page, c))
		if !strings.Contains(page.String(), `<html lang="`+tag+`">`) {
			t.Errorf("%s: the page does not name its language", tag)
		}
		for part, what := range map[string]string{"text": text.String(), "page": between(page.String())} {
			if left := latin.FindAllString(data.ReplaceAllString(what, ""), -1); left != nil {
				t.Errorf("%s, %s: %q\n%s", tag, part, left, what)
			}
			if strings.Contains(what, "{") {
				t.Errorf("%s, %s: a place is not filled\n%s", tag, part, what)
			}
		}
	}
}

// between is the text of a page without its markup and the command that it names.
func between(page string) string {
	_, body, _ := strings.Cut(page, "<body>")
	return regexp.MustCompile(`<code>entente verify FILE</code>|<[^>]*>`).ReplaceAllString(body, " ")
}

// whole is a dossier with something of everything: the record that the desk keeps, moves that changed nothing, and a fork.
func whole(t testing.TB) []byte {
	w, _, _ := recorded(t)
	north := w.parties[0]
	lie := north.fork(north.st.Snapshot(), north.jw.Head())
	north.share(1)
	lie.share(2)
	w.proofs = []dossier.Proof{{Contradiction: &journal.Contradiction{Code: journal.CodeFork, Origin: north.jw.Origin(), A: checkpoint(t, north.st), B: checkpoint(t, lie.st)}}}
	return pack(t, w.source())
}

// TestVerifyReadsAsItDid: what is told of one whole dossier is, in each language, what testdata/verify has. A text that changes is
// seen here as a reader sees it; -update writes the files anew, and whoever does it reads them.
func TestVerifyReadsAsItDid(t *testing.T) {
	r, err := dossier.Verify(t.Context(), bytes.NewReader(whole(t)), dossier.Options{})
	ok(t, err)
	dir := filepath.Join("testdata", "verify")
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		var text bytes.Buffer
		ok(t, r.WriteText(&text, c))
		name := filepath.Join(dir, tag+".txt")
		if *update {
			ok(t, os.MkdirAll(dir, 0o755))
			ok(t, os.WriteFile(name, text.Bytes(), 0o644))
		}
		want, err := os.ReadFile(name)
		ok(t, err)
		if got := text.String(); got != string(want) {
			a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range a {
				if i >= len(b) || a[i] != b[i] {
					t.Errorf("%s reads otherwise from line %d on: %s", name, i+1, a[i])
					break
				}
			}
			if len(a) < len(b) {
				t.Errorf("%s has %d lines, %d are told", name, len(b), len(a))
			}
		}
	}
}

// TestDamageIsToldInEachLanguage: why a file does not hold stands in the reader's language, with the part, the entry and what to do; of
// what a library says of a file's bytes the reason stays in brackets.
func TestDamageIsToldInEachLanguage(t *testing.T) {
	file := golden(t)
	flipped := bytes.Clone(file)
	flipped[len(file)/2] ^= 1
	north := journal.PartyID(strings.Repeat("3", 64))
	told := map[string]error{}
	for name, bad := range map[string][]byte{"cut": file[:len(file)-9], "flipped": flipped, "longer": append(bytes.Clone(file), 'x'), "other": []byte("3141"), "empty": nil} {
		_, told[name] = verify(bad)
	}
	_, told["trust"] = verify(file, north)
	_, told["entry"] = dossier.VerifyEntry(strings.NewReader(dossier.EntryMagic+"{}"), dossier.Options{})
	_, told["no entry"] = dossier.VerifyEntry(strings.NewReader("3141"), dossier.Options{})
	_, told["statement"] = dossier.VerifyStatement(strings.NewReader("3141"), dossier.Options{})
	for _, tag := range []string{"zh-Hans", "ru"} {
		c, _ := lang.Known(tag)
		for name, err := range told {
			text := dossier.Reason(c, err)
			bare := regexp.MustCompile(`North|South`).ReplaceAllString(data.ReplaceAllString(text, ""), "")
			if left := latin.FindAllString(bare, -1); err == nil || left != nil || strings.ContainsAny(text, "{}") {
				t.Errorf("%s, %s: %v is told as %s (%q)", tag, name, err, text, left)
			}
		}
		d := &dossier.Damage{Part: dossier.PartEntry, Code: journal.CodeBadSignature, Detail: "3\u202e1"}
		if text := dossier.Reason(c, d); !strings.Contains(text, strings.TrimRight(c.Code("fault", journal.CodeBadSignature), ".。")) || strings.Contains(text, "\u202e") {
			t.Errorf("%s: %s", tag, text)
		}
	}
}

// TestSmallFilesSpeakTheReadersLanguage: so do the reports of the files of an entry and of a statement, but for what the parties wrote.
func TestSmallFilesSpeakTheReadersLanguage(t *testing.T) {
	entry, err := os.ReadFile(filepath.Join("testdata", "entry-v1.entente"))
	ok(t, err)
	statement, err := os.ReadFile(filepath.Join("testdata", "statement-v1.entente"))
	ok(t, err)
	e, err := dossier.VerifyEntry(bytes.NewReader(entry), dossier.Options{})
	ok(t, err)
	s, err := dossier.VerifyStatement(bytes.NewReader(statement), dossier.Options{})
	ok(t, err)
	foreign := []string{e.Name, e.Author.Name, e.Kind, e.By.Agency + ":" + e.By.Role, s.Name}
	for _, x := range e.Receipts {
		foreign = append(foreign, x.Name)
	}
	for _, x := range s.Signed {
		foreign = append(foreign, x.Name, x.By.Agency+":"+x.By.Role)
	}
	for _, tag := range []string{"zh-Hans", "ru"} {
		c, _ := lang.Known(tag)
		var b bytes.Buffer
		ok(t, s.WriteText(&b, start, c))
		for name, text := range map[string]string{"entry": e.Text(c), "statement": b.String()} {
			bare := regexp.MustCompile(`(?m)^(  \| |\{).*$`).ReplaceAllString(text, "") // a statement's texts and an entry's bytes
			for _, x := range foreign {
				if x != "" {
					bare = strings.ReplaceAll(bare, x, "")
				}
			}
			if left := latin.FindAllString(data.ReplaceAllString(bare, ""), -1); left != nil || strings.ContainsAny(bare, "{}") {
				t.Errorf("%s, %s: %q\n%s", tag, name, left, text)
			}
		}
	}
}

// TestDamageTellsWhatIsParticular: what does not hold is told in the reader's language where it is a sentence of this program, and a
// cause that a library gave stays.
func TestDamageTellsWhatIsParticular(t *testing.T) {
	fr, _ := lang.Known("fr")
	ru, _ := lang.Known("ru")
	for _, x := range []struct {
		c            *lang.Catalog
		code, detail string
		want         string
	}{
		{fr, "", "its identity disagrees with the party's journals: EOF", "son identité ne concorde pas avec les journaux de la partie : fin du texte"},
		{ru, "", "more than 31 proofs", "доказательств больше 31"},
		{ru, journal.CodeBadRoot, "x: one of entries 3 to 14 is not what was signed", "x: одна из записей с 3 по 14 не та, что подписана"},
		{fr, "", "journal: violation: the entry is not in the signed tree: EOF", "infraction : l’entrée n’est pas dans l’arbre signé : fin du texte"},
		{lang.English(), "", "more than 31 proofs", "more than 31 proofs"},
	} {
		d := &dossier.Damage{Part: dossier.PartProof, Code: x.code, Detail: x.detail}
		if got := d.Text(x.c); !strings.Contains(got, "["+x.want+"]") {
			t.Errorf("%s: %q is told as %s", x.c.Tag(), x.detail, got)
		}
	}
}
