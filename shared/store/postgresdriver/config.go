package postgresdriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-dev/postern/shared/origin"
)

// The pool of one process. Functions come and go, and there may be many: each takes few
// connections, none before it needs one, and lets them go when it is idle. The URL may say
// otherwise (pool_max_conns and its like).
const (
	maxConns       = 4
	maxIdle        = time.Minute
	maxLifetime    = 30 * time.Minute // after which another server may be found under the name
	connectTimeout = 3 * time.Second  // for each host of the URL
)

// CloudSQL opens the way to a Cloud SQL instance, PROJECT:REGION:INSTANCE, by an address of a
// kind: private, public or psc. Who dials authenticates itself; close ends that.
type CloudSQL func(ctx context.Context, instance, address string) (dial pgconn.DialFunc, close func() error, err error)

// A config is what a STORE setting says.
type config struct {
	url      string // without the parameters that are not libpq's
	parsed   *pgxpool.Config
	notify   bool   // somebody may listen for changes
	instance string // of Cloud SQL, "" for none
	address  string // kind of the instance's address
	cloudSQL CloudSQL

	mu        sync.Mutex
	closeDial func() error // nil before the first use
}

const want = "want postgres://USER@HOST/DATABASE?sslmode=verify-full, " +
	"or for Cloud SQL postgres://USER@/DATABASE?cloudsql=PROJECT:REGION:INSTANCE"

// parse reads a STORE setting without "postgres:". No error repeats it: it may have a password
// in it.
func parse(name string, cloudSQL CloudSQL) (*config, error) {
	c := &config{cloudSQL: cloudSQL, notify: os.Getenv("K_SERVICE") == ""}
	if err := c.read(name); err != nil {
		return nil, fmt.Errorf("store \"postgres:\": %w", err)
	}
	return c, nil
}

func (c *config) read(name string) error {
	if !strings.HasPrefix(name, "//") {
		return errors.New(want)
	}
	address, rawQuery, _ := strings.Cut("postgres:"+name, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fmt.Errorf("its parameters cannot be read: %s", want)
	}
	if err := c.readCloudSQL(query); err != nil {
		return err
	}
	c.url = address + "?" + query.Encode()
	if c.parsed, err = pgxpool.ParseConfig(c.url); err != nil {
		return fmt.Errorf("%w; %s", hidden(err), want)
	}
	if c.database() == "" || c.user() == "" {
		return errors.New("it names no user or no database: " + want)
	}
	if err := c.checkParameters(); err != nil {
		return err
	}
	if err := c.checkTLS(cmp.Or(query.Get("sslmode"), os.Getenv("PGSSLMODE"), query.Get("sslrootcert"))); err != nil {
		return err
	}
	c.tune(query)
	return nil
}

// hidden is what a library says about a URL, without the URL.
func hidden(err error) error {
	if _, quotes := errors.AsType[*url.Error](err); quotes {
		return errors.New("it cannot be read")
	}
	if _, says, found := strings.Cut(err.Error(), "`: "); found {
		return errors.New(says)
	}
	return err
}

// readCloudSQL takes our own parameters out of query. The way to Cloud SQL has TLS of its own.
func (c *config) readCloudSQL(query url.Values) error {
	c.instance, c.address = query.Get("cloudsql"), cmp.Or(query.Get("cloudsql_ip"), "private")
	if c.instance == "" {
		if query.Has("cloudsql_ip") {
			return errors.New("cloudsql_ip without cloudsql: " + want)
		}
		return nil
	}
	switch {
	case strings.Count(c.instance, ":") < 2:
		return errors.New("cloudsql is the connection name of an instance, PROJECT:REGION:INSTANCE: " + want)
	case !slices.Contains([]string{"private", "public", "psc"}, c.address):
		return errors.New("cloudsql_ip is private, public or psc")
	case query.Has("sslmode"):
		return errors.New("sslmode beside cloudsql: leave it out, Cloud SQL's connector has TLS of its own")
	case c.cloudSQL == nil:
		return errors.New("this program has no way to Cloud SQL")
	}
	query.Del("cloudsql")
	query.Del("cloudsql_ip")
	query.Set("host", "127.0.0.1")
	query.Set("sslmode", "disable")
	return nil
}

// checkParameters refuses what would be sent as a setting of the session: it is a mistake in a
// name, or would not hold where a pool lends connections.
func (c *config) checkParameters() error {
	for _, name := range slices.Sorted(maps.Keys(c.parsed.ConnConfig.RuntimeParams)) {
		if name != "application_name" {
			return fmt.Errorf("parameter %s is not known here: correct or remove it; "+
				"settings of PostgreSQL belong to the role (ALTER ROLE … SET)", name)
		}
	}
	return nil
}

// checkTLS refuses to speak to another machine without saying how the connection is protected.
func (c *config) checkTLS(said string) error {
	first := c.parsed.ConnConfig.Config
	hosts := []string{first.Host}
	for _, f := range first.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		switch {
		case strings.HasPrefix(host, "/"), strings.HasPrefix(host, "@"), origin.Loopback(host): // this machine
		case said == "":
			return fmt.Errorf("say how the connection to %s is protected: sslmode=verify-full "+
				"(with sslrootcert=FILE for an authority of your own)", host)
		case said == "prefer", said == "allow":
			return fmt.Errorf("sslmode=%s protects nothing: whoever stands between takes it away; "+
				"take sslmode=verify-full", said)
		}
	}
	return nil
}

// tune sets what the URL does not.
func (c *config) tune(query url.Values) {
	p := c.parsed
	p.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // no statements are kept in a session
	if p.ConnConfig.RuntimeParams["application_name"] == "" {
		p.ConnConfig.RuntimeParams["application_name"] = "postern"
	}
	if p.ConnConfig.ConnectTimeout == 0 {
		p.ConnConfig.ConnectTimeout = connectTimeout
	}
	for name, set := range map[string]func(){
		"pool_max_conns":          func() { p.MaxConns = maxConns },
		"pool_max_conn_idle_time": func() { p.MaxConnIdleTime = maxIdle },
		"pool_max_conn_lifetime":  func() { p.MaxConnLifetime, p.MaxConnLifetimeJitter = maxLifetime, maxLifetime/10 },
	} {
		if !query.Has(name) {
			set()
		}
	}
	p.BeforeConnect = c.password
	p.AfterConnect = check
}

// password reads the password again for each connection: a file of passwords changes.
func (c *config) password(_ context.Context, to *pgx.ConnConfig) error {
	fresh, err := pgx.ParseConfig(libpq(c.url))
	if err != nil {
		return hidden(err)
	}
	to.Password = fresh.Password
	return nil
}

// libpq is a URL without the parameters of the pool.
func libpq(setting string) string {
	address, rawQuery, _ := strings.Cut(setting, "?")
	query, _ := url.ParseQuery(rawQuery) // it was read before
	maps.DeleteFunc(query, func(name string, _ []string) bool { return strings.HasPrefix(name, "pool_") })
	return address + "?" + query.Encode()
}

// pool makes a pool, which connects when it is used.
func (c *config) pool(ctx context.Context) (*pgxpool.Pool, error) {
	p := c.parsed.Copy()
	if err := c.reach(ctx, &p.ConnConfig.Config); err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, p)
}

// reach lets connections to Cloud SQL take their way.
func (c *config) reach(ctx context.Context, to *pgconn.Config) error {
	if c.instance == "" {
		return nil
	}
	dial, closeDial, err := c.cloudSQL(ctx, c.instance, c.address)
	if err != nil {
		return fmt.Errorf("the way to Cloud SQL: %w", err)
	}
	to.DialFunc = dial
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeDial = closeDial
	return nil
}

func (c *config) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closeDial == nil {
		return nil
	}
	return c.closeDial()
}

func (c *config) user() string     { return c.parsed.ConnConfig.User }
func (c *config) database() string { return c.parsed.ConnConfig.Database }

// where names the server for people.
func (c *config) where() string { return cmp.Or(c.instance, c.parsed.ConnConfig.Host) }
