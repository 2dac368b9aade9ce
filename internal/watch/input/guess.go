package input

import (
	"encoding/binary"
	"unicode/utf16"

	"golang.org/x/text/encoding/unicode"
)

const (
	// minGuess and maxGuess are how many bytes at the least and at the most UTF-16 without a mark is told by.
	minGuess, maxGuess = 32, 1024
)

// guessUTF16 tells by the beginning of a stream that it is UTF-16 without a mark, and in which order its bytes are. Of text in UTF-16 that is a log every unit is a character that
// stands in texts, and most of them are ASCII; so one byte of two is zero, always the same one. What is binary has zeros in other places, two in a row, or characters that no
// text has; text in another encoding has no zeros.
func guessUTF16(sample []byte) (order unicode.Endianness, name string, ok bool) {
	if len(sample) < minGuess {
		return unicode.LittleEndian, "", false
	}
	sample = sample[:len(sample)&^1]
	switch {
	case isUTF16(sample, binary.LittleEndian):
		return unicode.LittleEndian, "UTF-16LE", true
	case isUTF16(sample, binary.BigEndian):
		return unicode.BigEndian, "UTF-16BE", true
	}
	return unicode.LittleEndian, "", false
}

// isUTF16 tells whether units are those of a text, and at least three of four are ASCII.
func isUTF16(sample []byte, order binary.ByteOrder) bool {
	ascii, units := 0, len(sample)/2
	for i := 0; i < len(sample); i += 2 {
		c := rune(order.Uint16(sample[i:]))
		switch {
		case c == '\t' || c == '\n' || c == '\r' || c >= ' ' && c < 0x7f:
			ascii++
		case c < 0xa0 || c >= 0xe000 && c < 0xf900 || c >= 0xfdd0 && c < 0xfdf0 || c >= 0xfffe:
			return false // control characters, those for private use, and what is no character
		case utf16.IsSurrogate(c):
			if i+4 > len(sample) && c < 0xdc00 { // it is cut
				continue
			}
			if i+4 > len(sample) || utf16.DecodeRune(c, rune(order.Uint16(sample[i+2:]))) == 0xfffd {
				return false
			}
			i += 2
		}
	}
	return 4*ascii >= 3*units
}
