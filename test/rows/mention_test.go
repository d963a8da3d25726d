package rows

import (
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mentions matches an id of a known series, or two with "to" between them for all from
// the one to the other. It follows no letter, digit, percent sign and so on: %C3%A9 and
// #F1 name nothing.
var mentions = regexp.MustCompile(`(?:^|[^\w%.#+-])(` + anyID() + `)(?: to (` + anyID() + `))?\b`)

func anyID() string {
	var long, short []string
	for _, series := range pages {
		for _, s := range series {
			if len(s) > 1 {
				long = append(long, s)
			} else {
				short = append(short, s)
			}
		}
	}
	return `(?:` + strings.Join(long, "|") + `)-\d{2}|[` + strings.Join(short, "") + `][1-9]\d?`
}

// idsIn returns the ids that a file names. In Go only comments and strings name any.
func idsIn(name, text string) []string {
	if strings.HasSuffix(name, ".go") {
		text = proseOf(text)
	}
	found := map[string]bool{}
	for _, m := range mentions.FindAllStringSubmatchIndex(text, -1) {
		if strings.HasPrefix(text[m[1]:], `":`) { // a member of JSON
			continue
		}
		first, last := text[m[2]:m[3]], ""
		if m[4] >= 0 {
			last = text[m[4]:m[5]]
		}
		for _, id := range span(first, last) {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// span returns the ids from first to last, or the two of different series as they are.
func span(first, last string) []string {
	if last == "" {
		return []string{first}
	}
	prefix := strings.TrimRight(first, "0123456789")
	if strings.TrimRight(last, "0123456789") != prefix {
		return []string{first, last}
	}
	width := 1
	if strings.HasSuffix(prefix, "-") {
		width = 2
	}
	from, _ := strconv.Atoi(first[len(prefix):])
	to, _ := strconv.Atoi(last[len(prefix):])
	var ids []string
	for n := from; n <= to; n++ {
		ids = append(ids, fmt.Sprintf("%s%0*d", prefix, width, n))
	}
	return ids
}

// proseOf returns the comments and strings of Go source, one a line.
func proseOf(source string) string {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, []byte(source), func(token.Position, string) {}, scanner.ScanComments)
	var out strings.Builder
	for {
		_, tok, literal := s.Scan()
		switch tok {
		case token.EOF:
			return out.String()
		case token.COMMENT, token.STRING:
			out.WriteString(literal + "\n")
		}
	}
}

func TestIDsIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ claim, file, text, want string }{
		{"ids of all kinds count", "x.md", "RU-04, A4: x. (AUZ-13)", "A4 AUZ-13 RU-04"},
		{"ids side by side count", "x.md", "AC-01/AC-02 AC-03", "AC-01 AC-02 AC-03"},
		{"a span names all in it", "x.md", "E3 to E5", "E3 E4 E5"},
		{"a span passes ten", "x.md", "AT-09 to AT-11", "AT-09 AT-10 AT-11"},
		{"two series are no span", "x.md", "A1 to B2", "A1 B2"},
		{"quotes hide nothing", "x.md", `{"D1 y", D2}, {"F8", z}`, "D1 D2 F8"},
		{"algorithms and standards are no ids", "x.md", "ES256 SHA-256 UTF-8 RFC-6749 AES-128 BSD-3 HTTP-01 P-256", ""},
		{"parts of words are no ids", "x.md", "X-H1 xB7 G12x A1b E123 U+E1 v1.E2 A0 AC-1 AC-012 XAC-01", ""},
		{"escapes and colours are no ids", "x.md", `%C3%A9 \xE2 #F1 #C3`, ""},
		{"members of JSON are no ids", "x.txtar", `{"m7":1,"M7":2}`, ""},
		{"names in Go are no ids", "x.go",
			"package x\n\nvar A1 = B2 // C3\nvar x = \"D4\" + `E5` /* F6 */", "C3 D4 E5 F6"},
	} {
		if got := strings.Join(idsIn(tc.file, tc.text), " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.claim, got, tc.want)
		}
	}
}
