//! The console in a real browser, from a cluster of five nodes one of which is killed: each page,
//! live, by keyboard, in light and dark and on a phone, and not one complaint of the browser.
//!
//! Needs Chromium; without it the test says so and is skipped. With `STATOR_SCREENSHOTS=DIR` it
//! leaves pictures of each page there.

mod browser;

use std::path::PathBuf;
use std::process::{Child, Stdio};

use self::browser::{Browser, LOOKS};
use crate::harness::{Cluster, Node, Request, until};

const CART: &str = "bucket=carts&key=alice";

#[test]
fn each_page_shows_a_cluster_with_a_node_down() {
    let program = match Browser::find() {
        Ok(program) => program,
        Err(why) => {
            eprintln!("skipped: the console is not looked at in a browser, since {why}");
            return;
        }
    };
    let mut cluster = Cluster::of(5);
    let mut scene = Scene { browser: Browser::start(&program), at: cluster.nodes[0].http.clone() };
    let load = Load::begin(&cluster.nodes[0]);

    let victim = two_phones(&cluster);
    scene.ring_goes_live(&mut cluster, victim);
    drop(load);
    hinted(&cluster, victim);
    let name = cluster.nodes[victim].name.clone();

    scene.one_partition_by_keyboard();
    scene.nodes(&name);
    scene.siblings_are_merged(&name, &cluster);
    scene.a_change_is_staged(&name);
    scene.traffic(&name);
    scene.without_script();
}

/// Something to look at: puts and gets for as long as it lives.
struct Load(Child);

impl Load {
    fn begin(node: &Node) -> Self {
        let mut bench =
            node.client(&["bench", "--conns", "2", "--keys", "200", "--duration", "60s"]);
        bench.args(["--value-size", "200"]).stdout(Stdio::null()).stderr(Stdio::null());
        Self(bench.spawn().expect("the binary was built"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two puts to one cart with the same context; the place of one of its replicas that is not the
/// node whose console is looked at.
fn two_phones(cluster: &Cluster) -> usize {
    let first = &cluster.nodes[0];
    let path = "/v1/kv/carts/alice";
    for cart in ["[\"milk\",\"eggs\"]", "[\"milk\",\"tea\"]"] {
        let put = Request::put(path, cart).header("Content-Type", "application/json");
        assert_eq!(first.send(&put).status, 204);
    }
    let place = first.send(&Request::get("/v1/locate/carts/alice")).json();
    let primaries = place["primaries"].as_array().expect("primaries").iter();
    let names: Vec<&str> = primaries.filter_map(|node| node["name"].as_str()).collect();
    let is_victim = |node: &Node| node.name != first.name && names.contains(&node.name.as_str());
    cluster.nodes.iter().position(is_victim).expect("a primary that is another node")
}

/// Puts while a node is down, until somebody holds a hint of the cart for it.
fn hinted(cluster: &Cluster, victim: usize) {
    let first = &cluster.nodes[0];
    let holds = |node: &Node| {
        let copy = Request::get("/v1/replica/carts/alice").try_send(&node.http)?.json();
        let hints = copy["hints"].as_array()?.iter();
        let mut owners = hints.filter_map(|hint| hint["for"].as_str());
        owners.any(|owner| owner == cluster.nodes[victim].name).then_some(())
    };
    let put = Request::put("/v1/kv/carts/alice?w=all", "[\"milk\",\"coffee\"]")
        .header("Content-Type", "application/json");
    until("a fallback keeps a hint of the cart", || {
        first.send(&put);
        let mut living = cluster.nodes.iter().enumerate().filter(|(at, _)| *at != victim);
        living.find_map(|(_, node)| holds(node))
    });
}

/// A browser, and the node whose console it shows.
struct Scene {
    browser: Browser,
    at: String,
}

impl Scene {
    fn address(&self, place: &str) -> String {
        format!("http://{}/console{place}", self.at)
    }

    fn open(&mut self, place: &str) {
        let address = self.address(place);
        self.browser.open(&address);
    }

    /// The page looks as it should in every way of looking at it, and the browser has nothing to
    /// complain of. Where pictures are wanted, they are taken.
    fn looks_right(&mut self, name: &str) {
        let screenshots = std::env::var_os("STATOR_SCREENSHOTS").map(PathBuf::from);
        for look in LOOKS {
            self.browser.look(look);
            let over =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over = self.browser.number(over);
            assert!(over <= 0, "{name}, {}: {over} pixels stick out", look.name);
            if let Some(dir) = &screenshots {
                std::fs::create_dir_all(dir).expect("the directory can be made");
                let file = dir.join(format!("{name}-{}.png", look.name));
                self.browser.screenshot(look, &file);
            }
        }
        self.browser.look(LOOKS[0]);
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    }

    /// A node dies while the ring is on the screen: it is seen there, and nobody reloads.
    fn ring_goes_live(&mut self, cluster: &mut Cluster, victim: usize) {
        self.open("");
        self.browser.until_says("5 nodes");
        assert_eq!(self.browser.number("document.querySelectorAll('.wheel a').length"), 256);
        assert_eq!(self.browser.number("document.querySelectorAll('.band').length"), 768);
        self.browser
            .until("the stream is open", "document.querySelector('#live').innerText === 'live'");
        cluster.nodes[victim].kill();
        self.browser.until_says("5 nodes, 1 down");
        self.browser.until_says(&format!("{} is down", cluster.nodes[victim].name));
        self.browser
            .until("its bands are pale", "document.querySelectorAll('.band.down').length > 100");
        self.looks_right("ring");
    }

    /// The keyboard reaches a partition: skip link first, then the field, a number, Enter.
    fn one_partition_by_keyboard(&mut self) {
        self.open("");
        self.browser.press("Tab");
        let first = self.browser.string("document.activeElement.innerText");
        assert_eq!(first, "Skip to the content");
        for _ in 0..40 {
            if self.browser.string("document.activeElement.id") == "choose" {
                break;
            }
            self.browser.press("Tab");
        }
        assert_eq!(self.browser.string("document.activeElement.id"), "choose");
        self.browser.press("9");
        self.browser.press_and_follow("Enter");
        self.browser.until_says("Partition 9 ");
        self.browser.until_says("Fallbacks, in order: ");
        assert_eq!(
            self.browser.number("document.querySelectorAll('#partition tbody tr').length"),
            3
        );
        self.looks_right("partition");
        // A click into the ring leads to another one.
        self.browser.follow("document.querySelectorAll('.wheel a')[200].dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, view: window }))");
        self.browser.until_says("Partition 200 ");
    }

    fn nodes(&mut self, dead: &str) {
        self.open("/nodes");
        self.browser.until_says("not asked: it is held to be down");
        self.browser.until("there are five", "document.querySelectorAll('.card').length === 5");
        self.browser.until_says(&format!("for {dead} ("));
        for says in ["requests/s", "on disk", "Stator 0.", "this node", "hints it keeps"] {
            self.browser.until_says(says);
        }
        self.browser
            .until("phi is drawn", "document.querySelectorAll('.spark .mark').length === 4");
        self.looks_right("nodes");
    }

    /// The cart's versions side by side, then put together on the page, and so it is everywhere.
    fn siblings_are_merged(&mut self, dead: &str, cluster: &Cluster) {
        self.open(&format!("/key?{CART}"));
        self.browser.until_says(&format!("keeps a hint for {dead}"));
        self.browser.until_says("3 siblings");
        self.browser.until_says("not asked: it is held to be down");
        self.looks_right("key");
        self.browser.follow("[...document.querySelectorAll('a')].find(a => a.innerText.startsWith('Read, put')).click()");
        self.browser.until_says("3 siblings: keep one of them");
        let suggested = self.browser.string("document.querySelector('#value').value");
        // In which order depends on who minted what, under which id.
        let suggested: Vec<String> = serde_json::from_str(&suggested).expect("an array");
        let mut items = suggested.clone();
        items.sort_unstable();
        assert_eq!(items, ["coffee", "eggs", "milk", "tea"]);
        self.looks_right("merge");
        self.browser.follow("document.querySelector('button[value=put]').click()");
        self.browser.until_says("Acknowledged");
        self.browser.until_says("state A");
        let found = cluster.nodes[0].send(&Request::get("/v1/kv/carts/alice"));
        assert_eq!(found.status, 200, "one version is left");
        assert_eq!(found.json(), serde_json::json!(suggested), "what was shown is what was put");
        self.browser.follow("document.querySelector('a.strong').click()");
        self.browser.follow("document.querySelector('button[value=delete]').click()");
        self.browser.until_says("tombstone");
        assert_eq!(cluster.nodes[0].send(&Request::get("/v1/kv/carts/alice")).status, 404);
        assert!(self.browser.complaints().is_empty());
    }

    /// A weight is staged on the page; its plan is shown, and discarded.
    fn a_change_is_staged(&mut self, dead: &str) {
        self.open("/changes");
        self.browser.until_says("Nothing is staged.");
        let stage = format!(
            "const node = document.querySelector('#node');
             node.value = [...node.options].find(o => o.text.startsWith('{dead}')).value;
             document.querySelector('#kind').value = 'weight';
             document.querySelector('#weight').value = '50';
             document.querySelector('button[value=stage]').click();"
        );
        self.browser.follow(&stage);
        self.browser.until_says("Staged.");
        self.browser.until_says(&format!("{dead} gets weight 50"));
        self.browser.until_says("Commit ring 3");
        self.looks_right("changes");
        self.browser.follow("document.querySelector('button[value=discard]').click()");
        self.browser.until_says("Discarded");
        self.browser.until_says("Nothing is staged.");
        assert!(self.browser.complaints().is_empty());
    }

    fn traffic(&mut self, dead: &str) {
        self.open("/traffic");
        self.browser.until_says(&format!("Without {dead}, which can’t be asked."));
        self.browser.until("seven plots", "document.querySelectorAll('.plot').length === 7");
        self.browser.until("something is drawn", "document.querySelectorAll('.curve').length > 5");
        self.looks_right("traffic");
    }

    /// Everything but the updates is there without script.
    fn without_script(&mut self) {
        self.browser.without_script(true);
        for (place, says) in
            [("", "5 nodes, 1 down"), ("/nodes", "held to be down"), ("/traffic", "Staleness")]
        {
            self.open(place);
            self.browser.until_says(says);
            assert_eq!(
                self.browser.string("String(document.querySelector('#live').hidden)"),
                "true"
            );
        }
        self.browser.without_script(false);
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}
