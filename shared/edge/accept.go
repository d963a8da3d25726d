package edge

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// WantsPage reports whether the caller asks for pages, as a browser does that a person looks at.
// A program that takes anything does not.
func WantsPage(r *http.Request) bool { return prefers(r, "text/html", "application/json") }

// WantsJSON reports whether Accept ranks application/json above text/html.
func WantsJSON(r *http.Request) bool { return prefers(r, "application/json", "text/html") }

func prefers(r *http.Request, one, other string) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return quality(accept, one) > quality(accept, other)
}

// quality returns the weight that an Accept header gives a media type (RFC 9110
// §12.5.1), by the most specific range that has it; 0 if none has.
func quality(accept, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	best, weight := 0, 0.0
	for entry := range strings.SplitSeq(accept, ",") {
		got, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		rank := map[string]int{"*/*": 1, major + "/*": 2, mediaType: 3}[got]
		if rank > best {
			best, weight = rank, parseWeight(params["q"])
		}
	}
	return weight
}

func parseWeight(q string) float64 {
	if q == "" {
		return 1
	}
	w, err := strconv.ParseFloat(q, 64)
	if err != nil || w < 0 || w > 1 {
		return 0
	}
	return w
}
