package pairing

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// quiet is the white border that readers need around a QR code, in modules
// (ISO/IEC 18004 section 5.3.8).
const quiet = 4

// QR is a text as a picture: PNG returns it as one, Text as blocks for a
// terminal.
type QR struct{ code barcode.Barcode }

// InvitationQR makes the picture of an invitation line.
func InvitationQR(line string) (*QR, error) {
	if len(line) > MaxInvitation || !strings.HasPrefix(line, Prefix) {
		return nil, refuse(CodeBadInvitation, "only an invitation of at most %d characters becomes a picture", MaxInvitation)
	}
	return PictureOf(line)
}

// PictureOf makes the picture of any text that fits into one.
func PictureOf(text string) (*QR, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, fmt.Errorf("drawing a text: %w", err)
	}
	return &QR{code}, nil
}

func (q *QR) dark(x, y int) bool {
	n := q.code.Bounds().Dx()
	if x < 0 || y < 0 || x >= n || y >= n {
		return false
	}
	r, _, _, _ := q.code.At(x, y).RGBA()
	return r < 0x8000
}

// PNG draws the picture with scale pixels to a module, 1 to 32.
func (q *QR) PNG(scale int) ([]byte, error) {
	scale = min(max(scale, 1), 32)
	n := (q.code.Bounds().Dx() + 2*quiet) * scale
	img := image.NewPaletted(image.Rect(0, 0, n, n), color.Palette{color.White, color.Black})
	for y := range n {
		for x := range n {
			if q.dark(x/scale-quiet, y/scale-quiet) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("drawing the invitation: %w", err)
	}
	return b.Bytes(), nil
}

// Text draws the picture for a terminal, two modules to a character. Dark modules
// are drawn as spaces when the terminal's background is dark, as blocks otherwise.
func (q *QR) Text(darkBackground bool) string {
	var b strings.Builder
	n := q.code.Bounds().Dx()
	for y := -quiet; y < n+quiet; y += 2 {
		for x := -quiet; x < n+quiet; x++ {
			upper, lower := q.dark(x, y) != darkBackground, q.dark(x, y+1) != darkBackground
			if y+1 >= n+quiet {
				lower = false // below the border
			}
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
