//! `stator delete`.

use stator_client::ObjectName;

use crate::cli::DeleteArgs;
use crate::commands::{Ended, put};
use crate::key_format::show;
use crate::output;

/// Deletes an object: what the context covers, or without one what the coordinator reads.
pub(super) async fn run(args: DeleteArgs) -> Ended {
    let (bucket, key) = args.object.name()?;
    let name = ObjectName { bucket: &bucket, key: &key };
    let context = args.write.context();
    let client = args.connection.ring_client()?;
    let written = client.delete(name, context.as_ref(), &args.write.options()).await?;
    if args.connection.json {
        return put::print_json(&written);
    }
    let replicas = put::replicas(&written);
    output::line(&format!("deleted {}/{}: {replicas}", show(&bucket), show(&key)))?;
    put::print_context(&written)
}
