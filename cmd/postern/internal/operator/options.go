package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
)

// defaultData is the directory of `postern dev`.
const defaultData = ".postern"

// Options say which server is meant. The zero value is that of `postern dev`.
type Options struct {
	Store   string // as the setting STORE; empty means STORE, or embedded:.postern
	Keys    string // the directory of the rings; empty means that of the store
	Project string // the Google Cloud project of the rings; empty means files

	// NamePrefix is what the names of the rings' secrets begin with; empty means that they are
	// called as the rings are.
	NamePrefix string
}

// Bind makes flags of the options.
func (o *Options) Bind(flags *pflag.FlagSet) {
	o.BindStore(flags)
	flags.StringVar(&o.Keys, "keys", "",
		"directory of the rings of keys (default "+defaultData+"/keys, or where $FERNET_KEYS_FILE is)")
	flags.StringVar(&o.Project, "project", "",
		"Google Cloud project whose Secret Manager has the rings, instead of --keys")
	flags.StringVar(&o.NamePrefix, "name-prefix", "",
		"with --project: name_prefix of the deployment, which the names of its secrets begin with")
}

// BindStore makes the flag of the store alone.
func (o *Options) BindStore(flags *pflag.FlagSet) {
	BindStore(flags, &o.Store, "store", "the records: "+StoreForms+" (default $STORE, or embedded:"+defaultData+")")
}

// StoreForms are what a store may be called, for people.
const StoreForms = "embedded:DIR, firestore:PROJECT, firestore:PROJECT/DATABASE or postgres://…"

// BindStore makes a flag that names a store, which nothing else can be taken for.
func BindStore(flags *pflag.FlagSet, setting *string, name, usage string) {
	flags.Var((*storeFlag)(setting), name, usage)
}

// storeFlag is a store as it is named on the command line.
type storeFlag string

// Set implements [pflag.Value].
func (f *storeFlag) Set(setting string) error {
	scheme, name, _ := strings.Cut(setting, ":")
	if _, ok := drivers.All[scheme]; !ok || name == "" {
		return errors.New("want " + StoreForms)
	}
	*f = storeFlag(setting)
	return nil
}

// String implements [pflag.Value].
func (f *storeFlag) String() string { return string(*f) }

// Type implements [pflag.Value]; help names the value by it.
func (f *storeFlag) Type() string { return "string" }

// Setting returns the setting of the store.
func (o *Options) Setting() string {
	return cmp.Or(o.Store, os.Getenv("STORE"), "embedded:"+defaultData)
}

// Where names the store for people, with the host that is asked.
func (o *Options) Where() string {
	if !strings.HasPrefix(o.Setting(), "firestore:") {
		return config.HidePassword(o.Setting())
	}
	return o.Setting() + " at " + cmp.Or(os.Getenv("FIRESTORE_EMULATOR_HOST"), "firestore.googleapis.com")
}

// keysDir returns the directory of the rings' files.
func (o *Options) keysDir() string {
	if dir, ok := strings.CutPrefix(o.Setting(), "embedded:"); ok && o.Keys == "" {
		return filepath.Join(dir, "keys")
	}
	return cmp.Or(o.Keys, filepath.Join(defaultData, "keys"))
}

// Backend opens where the rings are. The function closes it.
func (o *Options) Backend(ctx context.Context) (keyring.Backend, func() error, error) {
	if o.Project == "" {
		if o.NamePrefix != "" {
			return nil, nil, cli.Usage("--name-prefix is about secrets: say --project PROJECT too")
		}
		if err := o.checkKeys(); err != nil {
			return nil, nil, err
		}
		return keyring.NewFiles(o.keysDir()), func() error { return nil }, nil
	}
	if o.Keys != "" {
		return nil, nil, cli.Usage("the rings are in --keys or in --project, not in both")
	}
	address := os.Getenv("SECRETMANAGER_EMULATOR_HOST")
	if address == "" {
		return o.closing(secretmanager.New(ctx, o.Project))
	}
	local, err := secretmanager.Local(address)
	if err != nil {
		return nil, nil, fmt.Errorf("SECRETMANAGER_EMULATOR_HOST: %w", err)
	}
	return o.closing(secretmanager.New(ctx, o.Project, local...))
}

// checkKeys refuses to meet the records of a deployed server with the rings of this
// computer only because nothing else was said: to them, every record is unreadable.
func (o *Options) checkKeys() error {
	if o.deployed() && o.Keys == "" && os.Getenv("FERNET_KEYS_FILE") == "" {
		return cli.Usage("the records are in %s, and where are the rings of keys? "+
			"Say --project PROJECT for Secret Manager, or --keys DIR", config.HidePassword(o.Setting()))
	}
	return nil
}

// deployed reports whether the store is one that functions of Google Cloud have.
func (o *Options) deployed() bool {
	cloudSQL := strings.HasPrefix(o.Setting(), "postgres:") && strings.Contains(o.Setting(), "cloudsql=")
	return cloudSQL || strings.HasPrefix(o.Setting(), "firestore:") && os.Getenv("FIRESTORE_EMULATOR_HOST") == ""
}

func (o *Options) closing(b *secretmanager.Backend, err error) (keyring.Backend, func() error, error) {
	if err != nil {
		return nil, nil, err
	}
	b.NamePrefix = o.NamePrefix
	return b, b.Close, nil
}

// ring returns the ring that opens the records. It is not read yet.
func (o *Options) ring(b keyring.Backend) *keyfile.File[fernet.Keyring] {
	options := &keyfile.Options{Log: quiet()}
	if o.Project == "" {
		path := filepath.Join(o.keysDir(), keyring.Fernet)
		if o.Keys == "" {
			path = cmp.Or(os.Getenv("FERNET_KEYS_FILE"), path)
		}
		return keyfile.New(path, fernet.ParseKeyring, options)
	}
	options.Read = func(string) ([]byte, error) {
		// Read bounds itself.
		v, err := b.Read(context.Background(), keyring.Fernet)
		return v.Data, err
	}
	return keyfile.New(b.String(), fernet.ParseKeyring, options)
}

// OpenRecords opens the store, which must exist: a mistyped directory must not become
// an empty store that answers every question with nothing.
func (o *Options) OpenRecords(ctx context.Context) (driver.Driver, error) {
	if dir, ok := strings.CutPrefix(o.Setting(), "embedded:"); ok && dir != "" {
		_, err := os.Stat(filepath.Join(dir, "postern.db"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no store in %s: say which with --store, or run postern dev first", dir)
		}
		if err != nil {
			return nil, fmt.Errorf("look for the store: %w", err)
		}
	}
	return drivers.All.Open(ctx, o.Setting())
}

// readSettings reads the settings in the environment that the records depend on.
func (op *Operator) readSettings() error {
	r := config.Read(os.LookupEnv)
	op.life = store.Lifetimes{
		GrantTTL:        r.Duration("GRANT_TTL"),
		RefreshGrace:    r.Duration("REFRESH_GRACE"),
		ClientUnusedTTL: r.Duration("CLIENT_UNUSED_TTL"),
		AccessTokenTTL:  r.Duration("ACCESS_TOKEN_TTL"),
	}
	op.policy = oauth.RedirectPolicy{Schemes: parts.Schemes(r)}
	return r.Err()
}
