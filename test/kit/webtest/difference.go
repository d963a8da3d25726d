package webtest

import "strings"

// difference shows the lines that differ, between what both texts begin and end
// with.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	start := 0
	for start < min(len(w), len(g)) && w[start] == g[start] {
		start++
	}
	for len(w) > start && len(g) > start && w[len(w)-1] == g[len(g)-1] {
		w, g = w[:len(w)-1], g[:len(g)-1]
	}
	return "want:\n" + strings.Join(w[start:], "\n") + "\ngot:\n" + strings.Join(g[start:], "\n")
}
