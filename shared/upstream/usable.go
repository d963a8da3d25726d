package upstream

// A TokenIssuer gives people's tokens to one app of ours, and knows which.
type TokenIssuer interface {
	// Usable returns [ErrTokenDead] for a token that was given to another app (K5).
	Usable(t Token) error
}

// Usable implements [TokenIssuer].
func (g *GitHub) Usable(t Token) error { return g.usable(t) }
