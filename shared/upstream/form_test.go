package upstream

import (
	"regexp"
	"strings"
	"testing"
)

// The forms of names are what these expressions say.
func TestFormsAreWhatExpressionsSay(t *testing.T) {
	t.Parallel()
	for expression, fits := range map[string]func(string) bool{
		`^[a-z0-9_][a-z0-9._@+-]{0,127}$`:             userForm.fits,
		`^[a-z0-9][a-z0-9_-]{0,38}$`:                  loginForm.fits,
		`^[a-z0-9][a-z0-9-]{0,38}$`:                   orgForm.fits,
		`^[a-z0-9][a-z0-9-]{0,38}/[a-z0-9_-]{1,100}$`: isTeam,
		"^[a-z0-9.!#$&'+/=?^_`{|}~-]{1,64}$":          localForm.fits,
	} {
		want := regexp.MustCompile(expression)
		ascii := make([]byte, 128)
		for i := range ascii {
			ascii[i] = byte(i)
		}
		names := []string{"", "é", "\xff", "a\n", "a/b", "a//b", "a/b/c", "/b", "a/", "-a/b", "a/-_"}
		for _, n := range []int{38, 39, 40, 64, 65, 100, 101, 127, 128, 129} {
			names = append(names, strings.Repeat("a", n), "a/"+strings.Repeat("a", n), strings.Repeat("a", n)+"/a")
		}
		for i := range ascii {
			c := string(ascii[i : i+1])
			names = append(names, c, "a"+c, c+"a", "a"+c+"a", "a/"+c, "a/a"+c)
		}
		for _, name := range names {
			if got := fits(name); got != want.MatchString(name) {
				t.Errorf("%q by %s: got %t", name, expression, got)
			}
		}
	}
}
