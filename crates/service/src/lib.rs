//! Start-up shared by every service: configuration, telemetry, signals, health, authentication, connections to the store
//! and the queue. A service adds its own loop; it never reads the environment or sets up logging by itself.

pub mod auth;
pub mod backends;
pub mod config;
pub mod health;
pub mod model;
pub mod program;
pub mod secret;
pub mod shutdown;
pub mod telemetry;
pub mod threads;

pub use auth::ApiToken;
pub use config::{Config, ConfigError};
pub use program::{Program, ServiceContext};
pub use secret::Secret;
pub use shutdown::Shutdown;
