package pages

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// An Accent is the colour of links and of the button that most people want, once for light
// pages and once for dark ones. The zero Accent is the colour of page.css.
type Accent struct {
	said        colour
	light, dark shade
}

// A shade is a colour with what is written on it.
type shade struct{ mark, on colour }

// leastContrast is what text needs against its ground (WCAG 2.2, success criterion 1.4.3).
const leastContrast = 4.5

// The grounds that the accent stands on, as page.css has them.
var (
	lightCard, darkCard = colour{0xff, 0xff, 0xff}, colour{0x1a, 0x1d, 0x21}
	white, black        = colour{0xff, 0xff, 0xff}, colour{0, 0, 0}
)

// ParseAccent reads a colour like #1a56c4. One that could not be read as a link is made darker
// for light pages, and lighter for dark ones, until it can: [Accent.Adjusted] says what became of it.
func ParseAccent(s string) (Accent, error) {
	n, err := strconv.ParseUint(s[min(len(s), 1):], 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return Accent{}, errors.New("it is no colour in six hexadecimal digits")
	}
	c := colour{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
	return Accent{said: c, light: c.readable(lightCard, black), dark: c.readable(darkCard, white)}, nil
}

// Adjusted returns the colours on light and on dark pages, and whether one is another than was said.
func (a Accent) Adjusted() (light, dark string, differs bool) {
	return a.light.mark.String(), a.dark.mark.String(), a.light.mark != a.said || a.dark.mark != a.said
}

// style overrides the colours of page.css.
func (a Accent) style() string {
	if a == (Accent{}) {
		return ""
	}
	const rule = ":root { --mark: %s; --on: %s; }"
	return fmt.Sprintf(rule+"\n@media (prefers-color-scheme: dark) { "+rule+" }\n",
		a.light.mark, a.light.on, a.dark.mark, a.dark.on)
}

// A colour is red, green and blue from 0 to 255.
type colour [3]float64

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", uint8(c[0]), uint8(c[1]), uint8(c[2]))
}

// readable moves c towards a colour until it can be read on ground, and finds what can be
// read on it.
func (c colour) readable(ground, towards colour) shade {
	mark := c
	for step := 0.0; contrast(mark, ground) < leastContrast; step += 0.01 {
		for i := range mark {
			mark[i] = math.Round(c[i] + (towards[i]-c[i])*step)
		}
	}
	if contrast(white, mark) >= contrast(black, mark) {
		return shade{mark, white}
	}
	return shade{mark, black}
}

// contrast is the contrast ratio of two colours, from 1 to 21 (WCAG 2.2).
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of a colour in sRGB (WCAG 2.2).
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
