//! What happens when the runtime calls? A request goes to the gateway, the cron trigger starts its upkeep.
