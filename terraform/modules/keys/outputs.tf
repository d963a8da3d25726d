output "ids" {
  description = "Secret ids by name: fernet-keys, signing-keys, verification-keys, identity-keys, github-client-secret, oidc-client-secret."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
}
