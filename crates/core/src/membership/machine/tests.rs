mod chaos;
mod committing;
mod failing;
mod forming;
mod properties;
mod world;
