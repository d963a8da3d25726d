package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postern-dev/postern/shared/config"
)

// wanted says what a flag of a type takes. A type that is not here says it itself.
var wanted = map[string]string{
	"bool":     "true or false",
	"int":      "a whole number",
	"uint":     "a whole number, 0 or more",
	"duration": "a time, like 90s, 5m or 36h",
}

// flagMisuse says what is wrong with a flag, in our words instead of the library's.
func flagMisuse(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() != "" {
		err = fmt.Errorf("unknown flag: -%s", unknown.GetSpecifiedName())
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		err = fmt.Errorf("--%s lacks its value: %s", bare.GetFlag().Name, bare.GetFlag().Usage)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = badValue(invalid)
	}
	return misuse(cmd, err)
}

func badValue(invalid *pflag.InvalidValueError) error {
	flag := invalid.GetFlag()
	if want, ok := wanted[flag.Value.Type()]; ok {
		return fmt.Errorf("--%s %s: want %s", flag.Name, invalid.GetValue(), want)
	}
	return fmt.Errorf("--%s %s: %w", flag.Name, config.HidePassword(invalid.GetValue()), errors.Unwrap(invalid))
}
