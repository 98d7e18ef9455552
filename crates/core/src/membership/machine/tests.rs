mod chaos;
mod committing;
mod failing;
mod forming;
mod moving;
mod properties;
mod world;
