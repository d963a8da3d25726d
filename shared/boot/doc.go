// Package boot starts functions.
//
// A function's function.go tells the framework of it in init, and no other registry; the
// drivers that its store may have come as an argument:
//
//	func init() { functions.HTTP("token", boot.Handler("token", Build(firestoredriver.Openers))) }
//
// and Build makes its handler from an environment:
//
//	func Build(drivers driver.Openers) boot.Build {
//		return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
//			r := env.Settings()
//			c := Config{
//				Edge:    env.Edge(r),
//				CodeTTL: r.Duration("CODE_TTL"),
//			}
//			if err := r.Err(); err != nil {
//				return nil, err
//			}
//			…
//			return New(c)
//		}
//	}
//
// On Cloud Run (K_SERVICE is set) the function is built in init and a bad setting
// ends the process, so that a bad revision takes no traffic. Elsewhere nothing
// is read at import: it is built on first use. [Open] calls what Build returns with
// another environment, which is how one program serves them all.
package boot
