package dnstap

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxIdentity is how much of a server's identity is told, in bytes.
const maxIdentity = 256

var errProto = errors.New("no protobuf message of dnstap")

// message is what is read of a Dnstap and its Message.
type message struct {
	identity       []byte
	kind           uint64
	query, answer  []byte // addresses
	queryPort      uint64
	answerPort     uint64
	querySec       uint64
	queryNano      uint32
	answerSec      uint64
	answerNano     uint32
	asked, replied []byte // DNS messages
}

// operations are the names of the types of messages, by number.
var operations = [...]string{1: "AUTH_QUERY", 2: "AUTH_RESPONSE", 3: "RESOLVER_QUERY", 4: "RESOLVER_RESPONSE", 5: "CLIENT_QUERY", 6: "CLIENT_RESPONSE",
	7: "FORWARDER_QUERY", 8: "FORWARDER_RESPONSE", 9: "STUB_QUERY", 10: "STUB_RESPONSE", 11: "TOOL_QUERY", 12: "TOOL_RESPONSE", 13: "UPDATE_QUERY", 14: "UPDATE_RESPONSE"}

// fields calls f with each field of a protobuf message: the value of a number, or the bytes of a text or message. It fails where
// the message is none.
func fields(b []byte, f func(number, value uint64, text []byte)) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 {
			return errProto
		}
		b = b[n:]
		switch tag & 7 {
		case 0:
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return errProto
			}
			f(tag>>3, v, nil)
			b = b[n:]
		case 1:
			if len(b) < 8 {
				return errProto
			}
			f(tag>>3, binary.LittleEndian.Uint64(b), nil)
			b = b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errProto
			}
			b = b[n:]
			f(tag>>3, 0, b[:size:size])
			b = b[size:]
		case 5:
			if len(b) < 4 {
				return errProto
			}
			f(tag>>3, uint64(binary.LittleEndian.Uint32(b)), nil)
			b = b[4:]
		default: // groups are not used
			return errProto
		}
	}
	return nil
}

// parse reads a frame. What could be read comes with the error.
func parse(frame []byte) (message, error) {
	var m message
	var body []byte
	kind := uint64(0)
	err := fields(frame, func(number, value uint64, text []byte) {
		switch number {
		case 1:
			m.identity = text
		case 14:
			body = text
		case 15:
			kind = value
		}
	})
	if err == nil && (kind != 1 || body == nil) {
		err = errors.New("a dnstap that holds no message")
	}
	if body == nil {
		return m, err
	}
	inner := fields(body, func(number, value uint64, text []byte) {
		switch number {
		case 1:
			m.kind = value
		case 4:
			m.query = text
		case 5:
			m.answer = text
		case 6:
			m.queryPort = value
		case 7:
			m.answerPort = value
		case 8:
			m.querySec = value
		case 9:
			m.queryNano = uint32(value)
		case 10:
			m.asked = text
		case 12:
			m.answerSec = value
		case 13:
			m.answerNano = uint32(value)
		case 14:
			m.replied = text
		}
	})
	if err == nil {
		err = inner
	}
	return m, err
}

// appendLine adds the line of a frame, which is the n-th of its stream.
func appendLine(out []byte, n int64, frame []byte) []byte {
	m, err := parse(frame)
	wire := m.replied
	if wire == nil {
		wire = m.asked
	}
	var dns []byte
	if wire != nil {
		var fault error
		if dns, fault = appendDNS(nil, wire); err == nil {
			err = fault
		}
	} else if err == nil {
		err = errors.New("it holds no DNS message")
	}
	if err != nil {
		// Such a line begins in another way than the others do, so that it is never passed over.
		out = append(appendDamage(out, n, err.Error()), `,"dnstap":{"frame":`...)
	} else {
		out = append(out, `{"dnstap":{"frame":`...)
	}
	out = strconv.AppendInt(out, n, 10)
	if m.kind < uint64(len(operations)) && operations[m.kind] != "" {
		out = append(append(append(out, `,"operation":"`...), operations[m.kind]...), '"')
	}
	if len(m.identity) > 0 {
		out = appendText(append(out, `,"identity":`...), m.identity[:min(len(m.identity), maxIdentity)])
	}
	sec, nano := m.answerSec, m.answerNano
	if sec == 0 || m.replied == nil && m.querySec != 0 {
		sec, nano = m.querySec, m.queryNano
	}
	if sec > 0 && sec < 253402300800 && nano < 1e9 { // the year 10000
		out = append(out, `,"timestamp-rfc3339ns":"`...)
		out = append(time.Unix(int64(sec), int64(nano)).UTC().AppendFormat(out, "2006-01-02T15:04:05.000000000Z"), '"')
	}
	out = append(out, `},"network":{`...)
	begin := len(out)
	out = appendAddress(out, begin, "query", m.query, m.queryPort)
	out = appendAddress(out, begin, "response", m.answer, m.answerPort)
	out = append(out, `},"dns":{`...)
	return append(append(out, dns...), "}}\n"...)
}

// damaged adds the line of a frame of which nothing was read.
func damaged(out []byte, n int64, why string) []byte {
	return append(appendDamage(out, n, why), "}\n"...)
}

func appendDamage(out []byte, n int64, why string) []byte {
	out = strconv.AppendInt(append(out, `{"damaged":{"frame":`...), n, 10)
	return append(appendText(append(out, `,"why":`...), []byte(why)), '}')
}

func appendAddress(out []byte, begin int, name string, address []byte, port uint64) []byte {
	a, ok := netip.AddrFromSlice(address)
	if !ok {
		return out
	}
	if len(out) > begin {
		out = append(out, ',')
	}
	out = append(append(append(out, '"'), name...), `-ip":"`...)
	out = append(a.Unmap().AppendTo(out), '"')
	if port > 0 && port < 1<<16 {
		out = append(append(append(out, `,"`...), name...), `-port":`...)
		out = strconv.AppendUint(out, port, 10)
	}
	return out
}

// appendText adds a JSON string. Bytes that are no UTF-8 are told as U+FFFD.
func appendText(out, s []byte) []byte {
	out = append(out, '"')
	for len(s) > 0 {
		c, n := utf8.DecodeRune(s)
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			out = append(out, `\u00`...)
			out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			out = utf8.AppendRune(out, c)
		}
		s = s[n:]
	}
	return append(out, '"')
}
