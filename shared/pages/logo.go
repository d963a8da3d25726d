package pages

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
)

// A Logo is a small picture that stands in the page itself. The zero Logo is none.
type Logo struct {
	Media string // image/png or image/svg+xml
	Data  []byte
}

// maxLogo is the largest logo in bytes. It is sent with every page.
const maxLogo = 4 << 10

// ParseLogo reads the name of a file, or a data URI in base64 (RFC 2397). The picture is a PNG, or
// an SVG without scripts, links and whatever else would ask for something.
func ParseLogo(s string) (Logo, error) {
	data, err := readLogo(s)
	switch {
	case err != nil:
		return Logo{}, err
	case len(data) > maxLogo:
		return Logo{}, fmt.Errorf("it has %d bytes and is on every page: make it %d or fewer", len(data), maxLogo)
	}
	if c, err := png.DecodeConfig(bytes.NewReader(data)); err == nil {
		if max(c.Width, c.Height) > 512 {
			return Logo{}, fmt.Errorf("it is %dx%d pixels: make it 512 or fewer a side", c.Width, c.Height)
		}
		return Logo{"image/png", data}, nil
	}
	if err := checkSVG(data); err != nil {
		return Logo{}, err
	}
	return Logo{"image/svg+xml", data}, nil
}

func readLogo(s string) ([]byte, error) {
	uri, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return os.ReadFile(s)
	}
	_, encoded, ok := strings.Cut(uri, ";base64,")
	if !ok {
		return nil, errors.New("the data URI is not in base64")
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// svgElements are those that draw.
var svgElements = []string{
	"svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
	"tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "use", "symbol", "metadata",
}

// checkSVG allows elements that draw and attributes that lead nowhere. A browser runs no script in a picture
// (SVG 2 §2.5, secure static mode), but the picture may be opened by itself.
func checkSVG(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	root := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.New("it is neither a PNG nor an SVG that can be read")
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("the SVG has a document type: leave it out")
		case xml.ProcInst:
			if t.Target != "xml" {
				return errors.New("the SVG has a processing instruction: leave it out")
			}
		case xml.StartElement:
			if root == "" {
				root = t.Name.Local
			}
			if err := checkElement(t); err != nil {
				return err
			}
		}
	}
	if root != "svg" {
		return errors.New("it is neither a PNG nor an SVG")
	}
	return nil
}

func checkElement(e xml.StartElement) error {
	if !slices.Contains(svgElements, e.Name.Local) {
		return fmt.Errorf("the SVG has the element %s: leave it out", e.Name.Local)
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.Join(strings.Fields(a.Value), ""))
		outside := name == "href" && !strings.HasPrefix(value, "#") ||
			strings.Count(value, "url(") > strings.Count(value, "url(#") || strings.Contains(value, "javascript:")
		if strings.HasPrefix(name, "on") || outside {
			return fmt.Errorf("the SVG has the attribute %s: leave it out", a.Name.Local)
		}
	}
	return nil
}

// uri is the logo in a page. It passed ParseLogo, and leads nowhere.
func (l Logo) uri() template.URL {
	if l.Data == nil {
		return ""
	}
	return template.URL("data:" + l.Media + ";base64," + base64.StdEncoding.EncodeToString(l.Data))
}
