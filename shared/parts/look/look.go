// Package look reads how pages look from settings, for the functions that have pages.
package look

import (
	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/pages"
)

// Read returns the look of the settings. An accent that had to be made darker or lighter is
// logged, with what became of it.
func Read(env *boot.Env, r *config.Reader) pages.Look {
	l := pages.Look{
		Server: about.Server{
			Name:    config.Parse(r, "SERVER_NAME", about.ParseName),
			Support: config.Parse(r, "SUPPORT_CONTACT", about.ParseContact),
			Privacy: config.Parse(r, "PRIVACY_URL", about.ParseLink),
			Terms:   config.Parse(r, "TERMS_URL", about.ParseLink),
		},
		Logo:   config.Parse(r, "LOGO", pages.ParseLogo),
		Accent: config.Parse(r, "ACCENT_COLOR", pages.ParseAccent),
	}
	if light, dark, differs := l.Accent.Adjusted(); differs && env.Log != nil {
		env.Log.Info("ACCENT_COLOR is another where it could not be read", "on_light", light, "on_dark", dark)
	}
	return l
}
