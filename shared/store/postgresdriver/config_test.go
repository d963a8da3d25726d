package postgresdriver

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func way(context.Context, string, string) (pgconn.DialFunc, func() error, error) {
	return nil, nil, nil
}

func TestOpenTakesWhatAnOperatorWrites(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"//postern@db.example.com/postern?sslmode=verify-full",
		"//postern:secret@db.example.com:5433/postern?sslmode=require&pool_max_conns=9",
		"//postern@127.0.0.1:5432/postern",
		"//postern@/postern?host=/var/run/postgresql",
		"//postern@one.example.com:5432,two.example.com/postern?sslmode=verify-full&target_session_attrs=read-write",
		"//me@my-project.iam@/postern?cloudsql=my-project:europe-west1:postern",
		"//me%40my-project.iam@/postern?cloudsql=my-project:europe-west1:postern&cloudsql_ip=public",
	} {
		if d, err := Open(t.Context(), setting, way); err != nil {
			t.Errorf("Open(%q): got %v, want no error", setting, err)
		} else if err := d.Close(); err != nil {
			t.Errorf("Close of what was never used: got %v, want no error", err)
		}
	}
}

// What is wrong with a setting is said at the start, and nothing says the password.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"":                                       "want postgres://USER@HOST/DATABASE",
		"postern@db/postern":                     "want postgres://USER@HOST/DATABASE",
		"//db.example.com/?sslmode=disable":      "no user or no database",
		"//me:secret@db:port/p":                  "want postgres://USER@HOST/DATABASE",
		"//me:secret@db.example.com/p":           "sslmode=verify-full",
		"//me@db.example.com/p?sslmode=sure":     "sslmode",
		"//me@10.0.0.1/p?sslmode=prefer":         "protects nothing",
		"//me@127.0.0.1,db.example.com/p":        "db.example.com is protected",
		"//me@127.0.0.1/p?sslmod=verify-full":    "parameter sslmod is not known",
		"//me@127.0.0.1/p?statement_timeout=1":   "parameter statement_timeout is not known",
		"//me@127.0.0.1/p?pool_max_conns=none":   "pool_max_conns",
		"//me@127.0.0.1/p?a=%zz":                 "parameters cannot be read",
		"//me@/p?cloudsql=instance":              "PROJECT:REGION:INSTANCE",
		"//me@/p?cloudsql=p:r:i&cloudsql_ip=x":   "private, public or psc",
		"//me@/p?cloudsql=p:r:i&sslmode=disable": "leave it out",
		"//me@127.0.0.1/p?cloudsql_ip=public":    "without cloudsql",
	} {
		_, err := Open(t.Context(), setting, way)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q): got %v, want an error that says %q and no password", setting, err, want)
		}
	}
	_, err := Open(t.Context(), "//me@/p?cloudsql=p:r:i", nil)
	if err == nil || !strings.Contains(err.Error(), "no way to Cloud SQL") {
		t.Errorf("without the connector: got %v, want an error that says so", err)
	}
}

// Functions come and go: a process takes few connections, and none before it needs one.
func TestPoolIsThatOfAFunction(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int32{
		"//me@127.0.0.1/p":                  maxConns,
		"//me@127.0.0.1/p?pool_max_conns=9": 9,
	} {
		c, err := parse(setting, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := c.parsed; p.MaxConns != want || p.MinConns != 0 || p.MaxConnIdleTime != maxIdle ||
			p.ConnConfig.ConnectTimeout != connectTimeout {
			t.Errorf("%s: got at most %d connections, at least %d, idle for %s, made within %s",
				setting, p.MaxConns, p.MinConns, p.MaxConnIdleTime, p.ConnConfig.ConnectTimeout)
		}
	}
}

// A file of passwords is read again for each connection, so that a new password needs no start.
func TestPasswordIsReadForEachConnection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "passwords")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("127.0.0.1:5432:p:me:"+password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	c, err := parse("//me@127.0.0.1:5432/p?pool_max_conns=2&passfile="+file, nil)
	if err != nil {
		t.Fatal(err)
	}
	write("second")
	to := c.parsed.ConnConfig.Copy()
	if err := c.password(t.Context(), to); err != nil || to.Password != "second" {
		t.Errorf("got %q, %v, want the password that the file has now", to.Password, err)
	}
}
