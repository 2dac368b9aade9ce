package cli

import (
	"strings"
	"testing"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// TestDoctorSpeaksTheReadersLanguage: what a doctor found is told in words of the reader, with numbers that agree.
func TestDoctorSpeaksTheReadersLanguage(t *testing.T) {
	r := &node.DoctorResponse{Dir: "3141", InUse: true, Files: 1, Journals: 2, Entries: 5, Payloads: 1, Records: 7, More: 3, Findings: []node.DoctorFinding{
		{Rank: node.RankLost, File: "3", Entry: "4#5", What: "It cannot be read: 3141.", Means: "Nothing is known of what it holds.", Next: "Restore the last backup.", Commands: []string{"1"}},
		{Rank: node.RankRisk, What: "Only 3141 are free on the disk.", Means: "The node takes in no more content.", Next: "Make room, or move the folder to a larger disk."},
		{Rank: node.RankNote, File: "4", What: "It is missing."},
	}}
	for tag, want := range map[string]string{"zh": "1 个文件", "ru": "1 файл; 2 журнала, 5 записей"} {
		c, _ := lang.Known(tag)
		p := &printer{now: time.Unix(0, 0), c: c}
		writeDoctor(p, r)
		text := strings.ReplaceAll(p.String(), "objects/", "")
		if left := latin.FindAllString(text, -1); left != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %q\n%s", tag, left, text)
		}
		r.Healthy = !r.Healthy
	}
}
