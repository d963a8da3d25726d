//go:build !unix

package emulate

import "errors"

func supported() error {
	return errors.New("emulate needs process groups, which this system has not: use Linux or macOS, or postern dev")
}

func lock(string) (func(), error) { return nil, supported() }
