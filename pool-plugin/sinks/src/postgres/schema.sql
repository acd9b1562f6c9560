-- Made where missing; what is there stays as it is.

-- katpool's. Amounts are microcredits.
CREATE TABLE IF NOT EXISTS miners_balance (
    id VARCHAR(255) PRIMARY KEY,
    miner_id VARCHAR(255),
    wallet VARCHAR(255),
    balance NUMERIC
);
CREATE TABLE IF NOT EXISTS wallet_total (
    address VARCHAR(255) PRIMARY KEY,
    total NUMERIC
);
CREATE TABLE IF NOT EXISTS payments (
    id SERIAL PRIMARY KEY,
    wallet_address TEXT[] NOT NULL,
    amount BIGINT NOT NULL,
    timestamp TIMESTAMP DEFAULT NOW(),
    transaction_hash VARCHAR(255) NOT NULL
);

-- n-stratum's.
CREATE TABLE IF NOT EXISTS blocks_records (
    id BIGSERIAL PRIMARY KEY,
    puid VARCHAR(255),
    worker_id BIGINT,
    worker_name VARCHAR(255),
    job_id VARCHAR(255),
    height BIGINT,
    chain VARCHAR(255),
    nonce NUMERIC(20),
    is_orphaned BOOLEAN,
    hash VARCHAR(255),
    rewards NUMERIC(20),
    fees NUMERIC(20),
    size BIGINT,
    prev_hash VARCHAR(255),
    bits NUMERIC(20),
    version INTEGER,
    timestamp BIGINT,
    created_at TIMESTAMP DEFAULT NOW(),
    updated_at TIMESTAMP DEFAULT NOW(),
    location VARCHAR(255),
    solution_id VARCHAR(255),
    counter NUMERIC(20)
);

-- How far each feed came, written with what it wrote.
CREATE TABLE IF NOT EXISTS pool_sink (
    feed VARCHAR(255) PRIMARY KEY,
    height BIGINT NOT NULL,
    hash VARCHAR(255) NOT NULL
);
