// Package drivers is every driver of the house, for programs on a person's computer. A
// deployed function has one: Firestore's, or PostgreSQL's.
package drivers

import (
	"github.com/postern-dev/postern/shared/store/cloudsql"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

// All are the drivers that a STORE setting may name.
var All = driver.Openers{
	"embedded": embedded.Opener, "firestore": firestoredriver.Opener, "postgres": cloudsql.Openers["postgres"],
}
