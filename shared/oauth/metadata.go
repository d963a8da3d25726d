package oauth

// Paths of the endpoints below the issuer. Clients that skip discovery assume the
// first three (MCP 2025-03-26).
const (
	AuthorizePath  = "/authorize"
	TokenPath      = "/token"
	RegisterPath   = "/register"
	CallbackPath   = "/auth/callback"
	SignOutPath    = "/auth/backchannel-logout"
	RevokePath     = "/revoke"
	IntrospectPath = "/introspect"
	JWKSPath       = "/.well-known/jwks.json"
	// ConnectionsPath is where people see and end what they connected, and VisitPath where
	// they sign in for it.
	ConnectionsPath = "/connections"
	VisitPath       = "/connections/sign-in"
	// IdentityKeysPath is where the keys are that tell upstream servers who calls. They
	// are not those of JWKSPath, and no metadata document names them.
	IdentityKeysPath = "/.well-known/identity-jwks.json"

	ResourceMetadataPath = "/.well-known/oauth-protected-resource"
	ServerMetadataPath   = "/.well-known/oauth-authorization-server"
	OpenIDMetadataPath   = "/.well-known/openid-configuration"
)

// ServerMetadata is the authorization server's description (RFC 8414 §2). The
// members that only OpenID Connect Discovery 1.0 §3 knows are there for clients that
// read the document under that name; no ID token is ever issued.
type ServerMetadata struct {
	Issuer                                     string   `json:"issuer"`
	AuthorizationEndpoint                      string   `json:"authorization_endpoint"`
	TokenEndpoint                              string   `json:"token_endpoint"`
	JWKSURI                                    string   `json:"jwks_uri"`
	RegistrationEndpoint                       string   `json:"registration_endpoint"`
	ScopesSupported                            []string `json:"scopes_supported"`
	ResponseTypesSupported                     []string `json:"response_types_supported"`
	ResponseModesSupported                     []string `json:"response_modes_supported"`
	GrantTypesSupported                        []string `json:"grant_types_supported"`
	TokenEndpointAuthMethodsSupported          []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpoint                         string   `json:"revocation_endpoint"`
	RevocationEndpointAuthMethodsSupported     []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint                      string   `json:"introspection_endpoint"`
	IntrospectionEndpointAuthMethodsSupported  []string `json:"introspection_endpoint_auth_methods_supported"`
	CodeChallengeMethodsSupported              []string `json:"code_challenge_methods_supported"`
	AuthorizationResponseIssParameterSupported bool     `json:"authorization_response_iss_parameter_supported"`
	ClientIDMetadataDocumentSupported          bool     `json:"client_id_metadata_document_supported,omitempty"`
	ProtectedResources                         []string `json:"protected_resources"`
	OpPolicyURI                                string   `json:"op_policy_uri,omitempty"`
	OpTOSURI                                   string   `json:"op_tos_uri,omitempty"`
	SubjectTypesSupported                      []string `json:"subject_types_supported"`
	IDTokenSigningAlgValuesSupported           []string `json:"id_token_signing_alg_values_supported"`
}

// NewServerMetadata describes the server at issuer. What it promises is what the
// rest of this package enforces. Of scopes it names those that are advertised (RFC 8414
// §2 allows to leave some out).
func NewServerMetadata(issuer string, resources Resources) ServerMetadata {
	var ids []string
	for _, r := range resources.All() {
		ids = append(ids, r.ID(issuer))
	}
	return ServerMetadata{
		Issuer:                                     issuer,
		AuthorizationEndpoint:                      issuer + AuthorizePath,
		TokenEndpoint:                              issuer + TokenPath,
		JWKSURI:                                    issuer + JWKSPath,
		RegistrationEndpoint:                       issuer + RegisterPath,
		ScopesSupported:                            append(resources.Scopes().Advertised(), ScopeOffline),
		ResponseTypesSupported:                     []string{ResponseTypeCode},
		ResponseModesSupported:                     []string{"query"},
		GrantTypesSupported:                        SupportedGrantTypes(),
		TokenEndpointAuthMethodsSupported:          SupportedAuthMethods(),
		RevocationEndpoint:                         issuer + RevokePath,
		RevocationEndpointAuthMethodsSupported:     SupportedAuthMethods(),
		IntrospectionEndpoint:                      issuer + IntrospectPath,
		IntrospectionEndpointAuthMethodsSupported:  []string{AuthMethodBasic, AuthMethodPost},
		CodeChallengeMethodsSupported:              []string{ChallengeMethodS256},
		AuthorizationResponseIssParameterSupported: true,
		ClientIDMetadataDocumentSupported:          true,
		ProtectedResources:                         ids,
		SubjectTypesSupported:                      []string{"public"},
		IDTokenSigningAlgValuesSupported:           []string{"ES256"},
	}
}

// ResourceMetadata is the description of an MCP endpoint (RFC 9728 §2).
type ResourceMetadata struct {
	Resource               string   `json:"resource"`
	AuthorizationServers   []string `json:"authorization_servers"`
	ScopesSupported        []string `json:"scopes_supported"`
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
	ResourceName           string   `json:"resource_name"`
	ResourcePolicyURI      string   `json:"resource_policy_uri,omitempty"`
	ResourceTOSURI         string   `json:"resource_tos_uri,omitempty"`
}

// Metadata describes the resource of issuer. It names the least that a client needs:
// clients ask for all that stands here (MCP, Scope Selection Strategy), and a part that
// needs more says so when it is used. offline_access is left out: it is nothing that the
// resource asks for (MCP 2026-07-28, Refresh Tokens).
func (r Resource) Metadata(issuer string) ResourceMetadata {
	return ResourceMetadata{
		Resource:               r.ID(issuer),
		AuthorizationServers:   []string{issuer},
		ScopesSupported:        []string{ScopeMCP},
		BearerMethodsSupported: []string{"header"},
		ResourceName:           r.Title,
	}
}
