package observable

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads what a person typed or an indicator says: it undoes defanging and
// tells the type by the form. A [Value.Key], "type:text", is taken at its word and
// not refanged. It fails with ErrInvalid or ErrUnknown.
func Parse(text string) (Value, error) {
	if len(text) > MaxText {
		return Value{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxText)
	}
	if name, rest, ok := strings.Cut(text, ":"); ok && len(name) <= len(Serial) && known(Type(name)) {
		return New(Type(name), rest)
	}
	s := strings.TrimSpace(Refang(text))
	if s == "" {
		return Value{}, fmt.Errorf("%w: nothing was given", ErrUnknown)
	}
	if v, ok := Detect(s); ok {
		return v, nil
	}
	shown := s
	if len(shown) > 80 {
		shown = shown[:80] + "..."
	}
	return Value{}, fmt.Errorf("%w: %s; name the type, as in file-name:%s", ErrUnknown, strconv.QuoteToGraphic(shown), shown)
}

func known(t Type) bool {
	for _, k := range Types() {
		if k == t {
			return true
		}
	}
	return false
}

// Detect tells the type of a text by its form, without refanging. What has no
// form of its own (file names, mutexes, accounts) is not detected.
func Detect(s string) (Value, bool) {
	try := func(t Type) (Value, bool) {
		v, err := New(t, s)
		return v, err == nil
	}
	if strings.Contains(s, "://") {
		return try(URL)
	}
	if v, ok := address(s); ok {
		return v, true
	}
	if t, ok := hashOfLength(len(s)); ok && allHex(s) {
		return try(t)
	}
	if len(s) > 2 && len(s) <= 12 && strings.EqualFold(s[:2], "as") && digit(s[2]) {
		if v, ok := try(ASN); ok {
			return v, true
		}
	}
	if len(s) == 14 || len(s) == 17 {
		if v, ok := mac(strings.TrimSpace(s)); ok {
			return v, true
		}
	}
	switch {
	case ssdeepShape(s):
		return try(SSDeep)
	case len(s) > 4 && (strings.EqualFold(s[:4], "HKEY") || strings.EqualFold(s[:2], "HK") && strings.IndexByte(s[:5], '\\') > 0):
		return try(RegistryKey)
	case strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//"), windowsPath(s):
		return try(FilePath)
	case strings.IndexByte(s, '@') > 0:
		return try(Email)
	case fileExtension(s):
		return try(FileName)
	case strings.IndexByte(strings.TrimSuffix(s, "."), '.') > 0 || strings.IndexByte(s, 0xe3) >= 0:
		return try(Domain)
	}
	return Value{}, false
}

// fileExtension reports whether a text ends like a file name that cannot be a
// domain, because there is no such top-level domain.
func fileExtension(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s)-dot > 6 || strings.ContainsAny(s, "/\\") {
		return false
	}
	return ofFile(strings.ToLower(s[dot+1:]))
}

// ofFile tells the extensions that no top-level domain has, in lower case.
func ofFile(extension string) bool {
	switch extension {
	case "exe", "dll", "sys", "scr", "bat", "cmd", "vbs", "vbe", "js", "jse", "wsf", "jar", "ps1", "psm1", "hta", "lnk", "msi",
		"doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "pdf", "rtf", "iso", "img", "vhd", "rar", "7z", "gz",
		"apk", "ipa", "elf", "bin", "dat", "tmp", "php", "asp", "aspx", "jsp", "html", "htm", "txt", "plist", "dylib":
		return true
	}
	return false
}
