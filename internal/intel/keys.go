package intel

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"entente/internal/observable"
	"entente/stix"
)

// The kinds of rows of hosts and addresses: the value itself comes first.
const (
	kindItself = 'a' // the value of an object
	kindMail   = 'm' // the host of a mail address
	kindURL    = 'u' // the host of a URL
)

// hostPrefix begins the rows of a domain and of everything below it: the labels from
// the right, each with a dot behind it, so that "example.evil." begins no row of
// "example.evilness.".
func hostPrefix(domain string) []byte {
	k := make([]byte, 0, len(domain)+2+2+8)
	k = append(k, keyHost)
	for rest := domain; rest != ""; {
		label := rest
		if i := strings.LastIndexByte(rest, '.'); i >= 0 {
			label, rest = rest[i+1:], rest[:i]
		} else {
			rest = ""
		}
		k = append(append(k, label...), '.')
	}
	return k
}

// hostKey begins the rows of one domain and kind.
func hostKey(domain string, kind byte) []byte { return append(hostPrefix(domain), 0, kind) }

// netPrefix begins the rows of a block: family, its first address, its length. Blocks
// sort by their first address, and at one address the larger before the smaller.
func netPrefix(p netip.Prefix) []byte {
	k := make([]byte, 0, 1+1+16+1+1+8)
	family := byte('6')
	if p.Addr().Is4() {
		family = '4'
	}
	k = append(k, keyNet, family)
	k = append(k, p.Addr().AsSlice()...)
	return append(k, byte(p.Bits()))
}

func netKey(p netip.Prefix, kind byte) []byte { return append(netPrefix(p), kind) }

// netOf gives the block of an address or a prefix.
func netOf(v observable.Value) (netip.Prefix, bool) {
	if a, ok := v.Addr(); ok {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return v.CIDR()
}

// netEnd is the first key behind everything within a block.
func netEnd(p netip.Prefix) []byte {
	last := p.Addr().AsSlice()
	for i := range last {
		switch keep := p.Bits() - 8*i; {
		case keep <= 0:
			last[i] = 0xff
		case keep < 8:
			last[i] |= 0xff >> keep
		}
	}
	k := append(netPrefix(p)[:2], last...)
	return append(k, 0xff)
}

// exactKey begins the rows of the objects that hold a value.
func exactKey(v observable.Value) []byte {
	if v.Type == observable.Domain {
		return hostKey(v.Text, kindItself)
	}
	if p, ok := netOf(v); ok {
		return netKey(p, kindItself)
	}
	h := valueHash(v)
	return append([]byte{keyValue}, h[:]...)
}

// underKey begins the row by which a value is found below the host it names.
func underKey(v observable.Value) []byte {
	var host observable.Value
	var kind byte
	switch v.Type {
	case observable.URL:
		kind = kindURL
		host, _ = v.HostOf()
	case observable.Email:
		kind = kindMail
		host, _ = observable.New(observable.Domain, v.Text[strings.LastIndexByte(v.Text, '@')+1:])
	}
	if host.Type == observable.Domain {
		return hostKey(host.Text, kind)
	}
	if p, ok := netOf(host); ok {
		return netKey(p, kind)
	}
	return nil
}

// keysOf lists the beginnings of the rows that find an object by its values, each once.
// The seq comes behind.
func keysOf(values []observable.Value) [][]byte {
	keys := make([][]byte, 0, len(values))
	for _, v := range values {
		keys = append(keys, exactKey(v)) // values differ, and so do their keys
	}
	return keys
}

// listKeys lists the beginnings of the list rows that find an object by what it says and
// refers to: by its first words, by what it refers to, by the hosts of its values, by its
// other words, each once. The base of a record comes behind.
type listKeys []byte

// firstWords is how many words of an object come before what it refers to.
const firstWords = 8

func listKeysOf(o *stix.Object, values []observable.Value) listKeys {
	words := wordsOf(o)
	size := 128
	for _, w := range words {
		size += len(w) + 3
	}
	out := make(listKeys, 0, size)
	first := min(firstWords, len(words))
	for _, w := range words[:first] {
		out = out.addWord(w)
	}
	var others once
	for _, k := range edgeKeys(o) {
		others.add(string(k))
	}
	for _, v := range values {
		if k := underKey(v); k != nil {
			others.add(string(k))
		}
	}
	for _, k := range others.list {
		out = append(binary.AppendUvarint(out, uint64(len(k))), k...)
	}
	for _, w := range words[first:] {
		out = out.addWord(w)
	}
	return out
}

func (l listKeys) addWord(w string) listKeys {
	l = append(binary.AppendUvarint(l, uint64(len(w)+2)), keyWord)
	return append(append(l, w...), 0)
}

// all yields the keys in their order. A key is valid until the next step.
func (l listKeys) all(yield func([]byte) bool) {
	for len(l) > 0 {
		n, used := binary.Uvarint(l)
		end := used + int(n)
		if !yield(l[used:end:end]) {
			return
		}
		l = l[end:]
	}
}

// withSeq ends a key.
func withSeq(prefix []byte, seq int64) []byte {
	k := make([]byte, 0, len(prefix)+8)
	return binary.BigEndian.AppendUint64(append(k, prefix...), uint64(seq))
}
