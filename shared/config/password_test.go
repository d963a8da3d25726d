package config

import "testing"

// What people read of a setting has no password in it, wherever the URL has it.
func TestPasswordIsHidden(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"postgres://me:secret@db:5432/postern?sslmode=disable": "postgres://me:xxxxx@db:5432/postern?sslmode=disable",
		"postgres://me@a:5432,b:5433/postern?password=secret&sslmode=disable": "postgres://me@a:5432,b:5433/postern?" +
			"password=xxxxx&sslmode=disable",
		"postgres://me@/postern?sslpassword=secret": "postgres://me@/postern?sslpassword=xxxxx",
		"postgres://me@db/postern":                  "postgres://me@db/postern",
		"firestore:example.com:my-project":          "firestore:example.com:my-project",
		"embedded:/a/b:c@d":                         "embedded:/a/b:c@d",
	} {
		if got := HidePassword(value); got != want {
			t.Errorf("HidePassword(%q): got %q, want %q", value, got, want)
		}
	}
}
