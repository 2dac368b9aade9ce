package lookalike

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// letters is a label as people see it.
func letters(label string) string {
	if !strings.HasPrefix(label, "xn--") {
		return label
	}
	if u, err := idna.Punycode.ToUnicode(label); err == nil {
		return strings.ToLower(u)
	}
	return label
}

// alike lists letters that look like an ASCII letter or digit.
var alike = map[string]string{
	"a": "аɑαạӓäᴀаⲁ",
	"b": "ЬьƅᏏᖯвʙβ",
	"c": "сϲᴄⅽⲥᏟ",
	"d": "ԁժɗđᏧⅾ",
	"e": "еҽєɛεẹⅇ",
	"f": "ƒſϝẝ",
	"g": "ɡցǥġգ",
	"h": "һհիħʜᏂ",
	"i": "іɩıιӏꭵⅰ",
	"j": "јϳɉյ",
	"k": "кκᴋķⲕ",
	"l": "ⅼןɫłľ1|ǀ",
	"m": "мᴍⅿṃɱ",
	"n": "ոпηɴռṇ",
	"o": "оοσօᴏⲟøඐഠ0ס૦௦",
	"p": "рρϱⲣᴘ",
	"q": "ԛգզʠ",
	"r": "гᴦⲅɾʀɼ",
	"s": "ѕꜱʂꮪƽ",
	"t": "тτᴛŧţ",
	"u": "υսᴜʋцս",
	"v": "ѵνᴠⅴט",
	"w": "ԝѡωաɯᴡ",
	"x": "хχⅹ᙮×ҳ",
	"y": "уүγყʏỿ",
	"z": "ᴢʐƶżȥ",
}

// same maps a letter to the one it looks like.
var same = func() map[rune]byte {
	out := map[rune]byte{}
	for to, list := range alike {
		for _, r := range list {
			if _, has := out[r]; !has {
				out[r] = to[0]
			}
		}
	}
	return out
}()

// skeleton brings texts that look alike to one text. What looks like no ASCII letter stays.
func skeleton(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c == '0' || c == '1' || c == '|' {
			plain = false
			break
		}
	}
	if !plain {
		var b strings.Builder
		for _, r := range norm.NFKD.String(s) {
			if unicode.Is(unicode.Mn, r) {
				continue
			}
			if c, ok := same[r]; ok {
				b.WriteByte(c)
			} else {
				b.WriteRune(unicode.ToLower(r))
			}
		}
		s = b.String()
	}
	for _, p := range [...][2]string{{"rn", "m"}, {"vv", "w"}, {"cl", "d"}} {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	return s
}
