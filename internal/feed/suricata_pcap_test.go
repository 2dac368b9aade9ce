package feed

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// capture is a pcap file of raw IP packets (link type 101), each of a second of its own.
type capture struct{ bytes.Buffer }

func newCapture() *capture {
	c := &capture{}
	_ = binary.Write(c, binary.LittleEndian, []uint32{0xa1b2c3d4, 2 | 4<<16, 0, 0, 1 << 16, 101})
	return c
}

// udp adds a packet.
func (c *capture) udp(from, to string, port uint16, payload []byte) {
	src, dst := netip.MustParseAddr(from), netip.MustParseAddr(to)
	udp := binary.BigEndian.AppendUint16(nil, 40000)
	udp = binary.BigEndian.AppendUint16(udp, port)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	udp = append(append(udp, 0, 0), payload...) // checksums are not looked at (-k none)
	var ip []byte
	if src.Is4() {
		ip = append(binary.BigEndian.AppendUint16([]byte{0x45, 0}, uint16(20+len(udp))), 0, 0, 0, 0, 64, 17, 0, 0)
	} else {
		ip = append(binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(udp))), 17, 64)
	}
	ip = append(append(append(ip, src.AsSlice()...), dst.AsSlice()...), udp...)
	_ = binary.Write(c, binary.LittleEndian, []uint32{1_700_000_000 + uint32(c.Len()), 0, uint32(len(ip)), uint32(len(ip))})
	c.Write(ip)
}

// query is a DNS query for the addresses of a name.
func query(name string) []byte {
	q := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		q = append(append(q, byte(len(label))), label...)
	}
	return append(q, 0, 0, 1, 0, 1)
}

// TestSuricata: Suricata loads the rules, the datasets and the reputation list, and alerts on the packets that hold what they
// name, and on no other.
func TestSuricata(t *testing.T) {
	suricata := program(t, "suricata")
	dir := t.TempDir()
	for _, format := range []string{"suricata-domains", "suricata-ips", "suricata-md5", "suricata-sha256", "suricata-iprep", "suricata-rules"} {
		written(t, dir, format)
	}
	c := newCapture()
	c.udp("192.0.2.1", "192.0.2.53", 53, query("Evil.Example.com"))
	c.udp("192.0.2.2", "192.0.2.53", 53, query("a.evil.example.com")) // a dataset has no names below
	c.udp("192.0.2.3", "192.0.2.53", 53, query("ok.example.org"))
	c.udp("192.0.2.4", "198.51.100.7", 9999, []byte("x"))
	c.udp("2001:db8::7", "2001:db8:ffff::1", 9999, []byte("x"))
	c.udp("192.0.2.5", "203.0.113.200", 9999, []byte("x")) // below a prefix
	c.udp("192.0.2.6", "192.0.2.7", 9999, []byte("x"))
	config := `%YAML 1.1
---
vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}
classification-file: ` + filepath.Join(dir, "classification") + `
default-rule-path: ` + dir + `
rule-files: [suricata-rules.rules, reputation.rules]
reputation-categories-file: ` + filepath.Join(dir, "categories") + `
default-reputation-path: ` + dir + `
reputation-files: [suricata-iprep.list]
stats: {enabled: no}
app-layer: {protocols: {dns: {udp: {enabled: yes, detection-ports: {dp: 53}}}}}
outputs: [{eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [alert]}}]
`
	for name, text := range map[string]string{"suricata.yaml": config, "pcap": c.String(), "categories": "1,Entente,x\n",
		"classification":   "config classification: trojan-activity,A Network Trojan was detected, 1\n",
		"reputation.rules": "alert ip any any -> any any (msg:\"ENTENTE reputation\"; iprep:any,Entente,>,0; sid:9810101; rev:1;)\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(suricata, "-v", "-c", filepath.Join(dir, "suricata.yaml"), "-r", filepath.Join(dir, "pcap"), "-k", "none", "-l", dir, "--runmode", "single").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "8 rules successfully loaded, 0 rules failed") {
		t.Fatalf("%v\n%s", err, out)
	}
	eve, err := os.ReadFile(filepath.Join(dir, "eve.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for line := range strings.Lines(string(eve)) {
		var e struct {
			From  string `json:"src_ip"`
			Alert struct {
				ID json.Number `json:"signature_id"`
			} `json:"alert"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got[netip.MustParseAddr(e.From).String()+" "+e.Alert.ID.String()] = true
	}
	want := []string{"192.0.2.1 9810001", "192.0.2.4 9810004", "192.0.2.4 9810101", "192.0.2.5 9810101", "2001:db8::7 9810005", "2001:db8::7 9810101"}
	if alerts := slices.Sorted(maps.Keys(got)); !slices.Equal(alerts, want) {
		t.Errorf("%q\nwant %q\n%s\n%s", alerts, want, eve, out)
	}
}
