package report

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
)

const (
	width, height = 640, 360
	border        = 20 // around the bars, in points
	gap           = 6  // between them
	line          = 4  // of the frame
)

var (
	paper   = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink     = color.RGBA{0x3b, 0x6e, 0xa8, 0xff}
	highest = color.RGBA{0xd9, 0x5f, 0x02, 0xff}
	gold    = color.RGBA{0xb8, 0x86, 0x0b, 0xff}
)

// A picture is one with bars.
type picture struct{ *image.RGBA }

// newPicture returns an empty one, with a frame if the report is certified.
func newPicture(frame bool) picture {
	p := picture{image.NewRGBA(image.Rect(0, 0, width, height))}
	if frame {
		p.fill(p.Bounds(), gold)
		p.fill(p.Bounds().Inset(line), paper)
		return p
	}
	p.fill(p.Bounds(), paper)
	return p
}

func (p picture) fill(r image.Rectangle, c color.Color) {
	draw.Draw(p, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// bar draws the i-th of n bars; share is its part of the height.
func (p picture) bar(i, n int, share float64, isHighest bool) {
	inner := p.Bounds().Inset(border)
	left, right := inner.Min.X+i*inner.Dx()/n, inner.Min.X+(i+1)*inner.Dx()/n-gap
	top := inner.Max.Y - int(share*float64(inner.Dy()))
	c := ink
	if isHighest {
		c = highest
	}
	p.fill(image.Rect(left, top, right, inner.Max.Y), c)
}

func (p picture) png() ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, p)
	return b.Bytes(), err
}
