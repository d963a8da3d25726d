// Package version says which release a program is. A release is a tag of the repository;
// what is built of anything else is devel.
package version

import "runtime/debug"

// Variable is what the linker sets for a release:
//
//	go build -ldflags "-X github.com/postern-dev/postern/shared/version.release=v1.2.3"
const Variable = "github.com/postern-dev/postern/shared/version.release"

// Devel is the version of what is not a release.
const Devel = "devel"

var release string // set by the linker

// String returns the release, like v1.2.3; else devel, with the commit where go build wrote
// it into the program, and -dirty where files differed from it: devel-0123456789ab-dirty.
func String() string {
	if release != "" && release != Devel {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Devel
	}
	return devel(info.Settings)
}

func devel(settings []debug.BuildSetting) string {
	var commit, dirty string
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return Devel + commit + dirty
}
